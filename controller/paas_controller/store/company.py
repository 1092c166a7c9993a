"""What goes along with a change: whoever answers a request adds it, and the request's first commit takes it with it."""

from collections.abc import Callable
from contextvars import ContextVar

from sqlalchemy import Connection

Write = Callable[[Connection], object]


class Company:
    """Writes that wait for a change to be committed together with it, once. Where that fails they wait again."""

    def __init__(self) -> None:
        self._waiting: list[Write] = []

    def add(self, write: Write) -> None:
        self._waiting.append(write)

    def take(self) -> list[Write]:
        taken, self._waiting = self._waiting, []
        return taken

    def give_back(self, taken: list[Write]) -> None:
        self._waiting = taken + self._waiting

    def drop(self, write: Write) -> bool:
        """It need not be written any more; whether it was not, because nothing was committed it could go along with."""
        waits = write in self._waiting
        self._waiting = [other for other in self._waiting if other is not write]
        return waits


company: ContextVar[Company | None] = ContextVar("company", default=None)
"""That of the request in whose context a change is made."""
