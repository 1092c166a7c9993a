"""Connections on which a wait can be ended from another thread, before the answer has begun as well as within it."""

import socket
import threading
from contextlib import suppress
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

_mine = threading.local()
_turns = threading.Lock()


class Hold:
    """What one call hangs on. `end` may be called in any thread, at any time."""

    def __init__(self) -> None:
        self._connection: _Connection | _TlsConnection | None = None
        self._ended = False

    def begin(self) -> None:
        """Whatever this thread asks for from now on is this call's."""
        _mine.hold = self

    def take(self, connection: "_Connection | _TlsConnection") -> None:
        with _turns:
            self._connection, connection.hold = connection, self
            if self._ended:
                raise ConnectionAbortedError("nobody waits for it any more")

    def end(self) -> None:
        """Who waits on the connection stops waiting; one that another call has by now is left alone."""
        with _turns:
            self._ended = True
            held = self._connection
            if held is not None and held.hold is self and isinstance(held.sock, socket.socket):
                with suppress(OSError):
                    socket.socket.shutdown(held.sock, socket.SHUT_RDWR)  # TLS would be unwrapped under the reader


class _Connection(HTTPConnection):
    hold: Hold | None = None

    def connect(self) -> None:
        super().connect()
        _mine.hold.take(self)

    def request(self, *args: Any, **options: Any) -> None:
        _mine.hold.take(self)
        super().request(*args, **options)


class _TlsConnection(HTTPSConnection):
    hold: Hold | None = None

    def connect(self) -> None:
        super().connect()
        _mine.hold.take(self)

    def request(self, *args: Any, **options: Any) -> None:
        _mine.hold.take(self)
        super().request(*args, **options)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


def hold_all(manager: PoolManager) -> None:
    """From now on each of its connections belongs to the call that uses it."""
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
