"""forks.py SOCKET NAME MODULE: a program of ours without the seconds that it takes to import: each call is a fork of
this process, which has imported the module with its `main`. launch.py stands in its place and hands over its
descriptors.
"""

import contextlib
import importlib
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

Main = Callable[[], object]
_LARGEST = 1 << 20


def serve(path: Path, main: Main) -> None:
    """Until its standard input ends. One call a connection: the words, then the pid back, then how it ended."""
    wake, woken = socket.socketpair()
    woken.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(woken.fileno(), warn_on_full_buffer=False)
    calls: dict[int, socket.socket] = {}
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(path))
        door.listen(64)
        print("ready", flush=True)
        while True:
            ready, _, _ = select.select([door, wake, sys.stdin], [], [])
            if sys.stdin in ready:
                return
            if wake in ready:
                wake.recv(64)
                _reap(calls)
            if door in ready:
                call, _ = door.accept()
                pid = _fork(call, door, main)
                call.sendall(f"{pid}\n".encode())
                calls[pid] = call


def _reap(calls: dict[int, socket.socket]) -> None:
    while calls:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        with calls.pop(pid) as call, contextlib.suppress(OSError):
            call.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())


def _fork(call: socket.socket, door: socket.socket, main: Main) -> int:
    words, descriptors, _, _ = socket.recv_fds(call, _LARGEST, 3)
    if pid := os.fork():
        for descriptor in descriptors:
            os.close(descriptor)
        return pid
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for number, descriptor in enumerate(descriptors):
            os.dup2(descriptor, number)
        for other in (call, door):
            other.close()
        code = _run(main, **json.loads(words))
    finally:
        os._exit(code)


def _run(main: Main, arguments: list[str], environment: dict[str, str], folder: str) -> int:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv[1:] = arguments
    sys.stdin = os.fdopen(0, closefd=False, encoding="utf-8")
    sys.stdout = os.fdopen(1, "w", closefd=False, encoding="utf-8")
    sys.stderr = os.fdopen(2, "w", 1, closefd=False, encoding="utf-8")
    try:
        return _code(main())
    except SystemExit as ended:
        return _code(ended.code)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()


def _code(code: object) -> int:
    if isinstance(code, str):
        print(code, file=sys.stderr)
        return 1
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    path, name, module = sys.argv[1:]
    sys.argv = [name]
    serve(Path(path), importlib.import_module(module).main)
