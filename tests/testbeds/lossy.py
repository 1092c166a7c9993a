"""A way to PostgreSQL on which the connection can break at the worst moment: around a commit."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

Moment = Literal["before the commit", "after the commit"]
_COMMIT = b"COMMIT\0"


class Way:
    """Passes everything on, both ways, until `breaks` says at which moment of the next commit it breaks."""

    def __init__(self, listening: socket.socket, server: str) -> None:
        self._listening, self._server = listening, server
        self._deaf, self._answered = threading.Event(), threading.Event()
        self.breaks: Moment | None = None

    def serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._pass, args=(client,), daemon=True).start()

    def _pass(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server, contextlib.suppress(OSError):
            server.connect(self._server)
            back = threading.Thread(target=self._copy, args=(server, client), daemon=True)
            back.start()
            while told := client.recv(65536):
                if self.breaks and _COMMIT in told:
                    self._break(told, client, server)
                    return
                server.sendall(told)

    def _break(self, told: bytes, client: socket.socket, server: socket.socket) -> None:
        moment, self.breaks = self.breaks, None
        if moment == "after the commit":
            self._deaf.set()
            server.sendall(told)
            self._answered.wait(20)
        client.shutdown(socket.SHUT_RDWR)
        server.shutdown(socket.SHUT_RDWR)

    def _copy(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while told := source.recv(65536):
                if self._deaf.is_set():
                    self._deaf.clear()
                    self._answered.set()
                    return
                target.sendall(told)
            target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def lossy(folder: Path, server: Path) -> Iterator[Way]:
    """A way from a socket in `folder` to the server's."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / ".s.PGSQL.5432"))
        listening.listen()
        way = Way(listening, str(server / ".s.PGSQL.5432"))
        thread = threading.Thread(target=way.serve, daemon=True)
        thread.start()
        try:
            yield way
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()
