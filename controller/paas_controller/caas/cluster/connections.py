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
        self._connection: _Connection | None = None
        self._ended = False

    def begin(self) -> None:
        """Whatever this thread asks for from now on is this call's. OSError where it has ended."""
        _mine.hold = self
        self._look()

    def take(self, connection: "_Connection") -> None:
        with _turns:
            self._connection, connection.hold = connection, self
            self._look()

    def _look(self) -> None:
        if self._ended:
            raise ConnectionAbortedError("nobody waits for it any more")

    def end(self) -> None:
        """Who waits on the connection stops waiting; one that another call has by now is left alone."""
        with _turns:
            self._ended = True
            held = self._connection
            if held and held.hold is self and held.plug:
                held.cut = True
                with suppress(OSError):
                    held.plug.shutdown(socket.SHUT_RDWR)


class _Connection(HTTPConnection):
    hold: Hold | None = None
    plug: socket.socket | None = None
    """A second handle on the socket: TLS takes the first one, and shows it only after it has shaken hands."""
    cut = False

    def request(self, *args: Any, **options: Any) -> None:
        _mine.hold.take(self)
        if self.cut:
            self.close()  # by the call before, when that was over; it is opened anew
        super().request(*args, **options)

    def close(self) -> None:
        super().close()
        with _turns:
            if self.plug:
                self.plug.close()
                self.plug = None

    def _new_conn(self) -> socket.socket:
        self.sock = made = super()._new_conn()
        self.plug, self.cut = made.dup(), False
        _mine.hold.take(self)
        return made


class _TlsConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


def hold_all(manager: PoolManager) -> None:
    """From now on each of its connections belongs to the call that uses it."""
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
