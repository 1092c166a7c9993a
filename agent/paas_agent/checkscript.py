"""Run one check script and read its result."""

import asyncio
import json
import os
import re
import signal
from contextlib import suppress
from pathlib import Path

import msgspec

from paas_agent import process
from paas_agent.contract import Order
from paas_agent.orders import as_text, environment, mask
from paas_agent.process import Spawn

KEPT_OUTPUT = 16 * 1024
MAX_MESSAGE = 500
MOST_READS = 64
_OBJECT = re.compile(r'\{[ \t\r\n]*["}]')
_COMMAND = """
umask 022
{ echo $$ > "$2"; } 2>/dev/null
cd "$INSTANCE_DIR" && unset OLDPWD && exec /bin/sh "$1"
"""


class Result(msgspec.Struct):
    """What a check says: `code` "0" is good."""

    code: str
    msg: str

    @property
    def good(self) -> bool:
        return self.code == "0"


async def run_check(script: Path, order: Order, folder: Path, spawn: Spawn, package: str = "") -> Result:
    """Run a check script, `order.check_timeout` seconds at most. It never fails: what goes wrong is its result."""
    nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    printed, complained = _Tail(), _Tail()
    try:
        command = ("/bin/sh", "-c", _COMMAND, "paas-agent", str(script), str(_mark(folder)))
        stdio = (nothing, printed.writing, complained.writing)
        pid = spawn(command, environment(order, "check", str(folder), package), stdio)
        code = await _wait(pid, order.check_timeout)
    except OSError as error:
        return Result("not-started", f"the check script cannot be started: {error.strerror}")
    finally:
        os.close(nothing)
        output, errors = printed.close(), complained.close()
    if code is None:
        return Result("timeout", f"the check script did not end within {order.check_timeout:g} s")
    result = read_result(output, errors, code)
    result.msg = mask(result.msg, order)[:MAX_MESSAGE]
    return result


def end_orphan(folder: Path) -> None:
    """End the check in this INSTANCE_DIR that a killed agent may have left running, with its whole group."""
    try:
        leader = int(_mark(folder).read_text())
    except (OSError, ValueError):
        return
    if leader > 1 and process.signal_group(leader, 0) and any(_checks(pid, folder) for pid in process.members(leader)):
        process.signal_group(leader, signal.SIGKILL)


def forget(folder: Path) -> None:
    """Take away what checks have left beside this INSTANCE_DIR."""
    with suppress(OSError):
        _mark(folder).unlink(missing_ok=True)


def _mark(folder: Path) -> Path:
    """Where the last check's process is noted: beside INSTANCE_DIR, which belongs to the scripts."""
    return folder.with_name(f".{folder.name}.check")


def _checks(pid: int, folder: Path) -> bool:
    return process.carries(pid, "ACTION=check") and process.carries(pid, f"INSTANCE_DIR={folder}")


def read_result(output: str, errors: str, exit_code: int) -> Result:
    """The verdict of a check that printed this and ended so: its last JSON object, `code` a string, exit code 0."""
    found = _last_object(output)
    said = found.get("msg", "") if found else _last_line(errors) or _last_line(output)
    message = as_text(said if isinstance(said, str) else json.dumps(said, ensure_ascii=False))
    if exit_code:
        about = f"the check script ended with exit code {exit_code}"
        return Result(f"exit {exit_code}", f"{about}: {message}" if message else about)
    if found is None:
        return Result("no-result", f"the check script printed no JSON object but: {message or 'nothing'}")
    code = found.get("code")
    if not isinstance(code, str):
        return Result(
            "no-result", f'the check\'s "code" has to be a string such as "0", and is {json.dumps(code)[:80]}'
        )
    return Result(as_text(code[:80]), message)


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2][:200]


def _last_object(output: str) -> dict[str, object] | None:
    """The object that ends last. What is no JSON is read once: objects within it were seen by then."""
    found: dict[str, object] | None = None

    def closed(whole: dict[str, object]) -> dict[str, object]:
        nonlocal found
        found = whole
        return whole

    decoder, end = json.JSONDecoder(object_hook=closed), 0
    while begin := _OBJECT.search(output, end):
        try:
            end = decoder.raw_decode(output, begin.start())[1]
        except json.JSONDecodeError as error:
            end = max(error.pos, begin.start() + 1)
        except ValueError:  # a number of thousands of digits
            end = begin.start() + 1
        except RecursionError:
            end = output.find("\n", begin.start()) + 1 or len(output)
    return found


async def _wait(pid: int, seconds: float) -> int | None:
    """The exit code, None after the time-out. Whatever the script left in its group ends with it."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            return await process.to_its_end(pid) or 0
    return None


class _Tail:
    """A pipe to write to, and the end of what was written into it."""

    def __init__(self) -> None:
        self._reading, self.writing = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._reading, False)
        self._kept = b""
        asyncio.get_running_loop().add_reader(self._reading, self._read)

    def close(self) -> str:
        """All that was kept; what a process left behind may still write is not waited for."""
        os.close(self.writing)
        with suppress(BlockingIOError):
            for _ in range(MOST_READS):
                if not self._read():
                    break
        asyncio.get_running_loop().remove_reader(self._reading)
        os.close(self._reading)
        return self._kept.decode(errors="replace")

    def _read(self) -> bool:
        data = os.read(self._reading, 65536)
        self._kept = (self._kept + data)[-KEPT_OUTPUT:]
        return bool(data)
