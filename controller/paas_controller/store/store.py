"""One writer thread, many commands in one commit; a small pool of readers.

A command is a function of the connection. Each runs in a savepoint of its own, so that one that fails takes nothing
with it; its future is resolved only after the commit, so that nothing is said to be kept before it is.
"""

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Self, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DatabaseError, DBAPIError, OperationalError
from sqlmodel import SQLModel

from paas_controller.base.errors import PaasError, Retryable
from paas_controller.store.company import Write, company
from paas_controller.store.engine import open_engine

T = TypeVar("T")
_BATCH = 256
_READERS = 4
_MARKS = "marks"


@dataclass(slots=True)
class _Command:
    run: Callable[[Connection], Any]
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None


class Store:
    """Writes by one thread, reads by a few. Raises Retryable where the database cannot write (disk full, locked)."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._queue: queue.SimpleQueue[_Command | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write_loop, name="store-writer", daemon=True)
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="store-reader")
        self._loop = asyncio.get_running_loop()
        self._last: asyncio.Future[Any] | None = None
        """The write asked for last: it is resolved after all those before it."""
        self._watchers: dict[str, Callable[[], None]] = {}

    @classmethod
    async def open(cls, url: str) -> Self:
        """Opens the database behind the URL and makes the tables it lacks; PaasError where it cannot be used."""
        store = cls(open_engine(url))
        try:
            await asyncio.to_thread(SQLModel.metadata.create_all, store._engine)
        except DatabaseError as error:
            raise PaasError(f"{store._engine.url} cannot be used: {error.orig}") from None
        store._writer.start()
        return store

    async def close(self) -> None:
        """Ends after everything that was asked for is committed."""
        self._queue.put(None)
        await asyncio.to_thread(self._writer.join)
        self._readers.shutdown()
        self._engine.dispose()

    async def write(self, command: Callable[[Connection], T]) -> T:
        """What the command answers or raises; what keeps its request company is written in the same savepoint."""
        around = company.get()
        if around is None or not (taken := around.take()):
            return await self._ask(command)
        try:
            return await self._ask(partial(_together, command, taken))
        except BaseException:
            around.give_back(taken)
            raise

    async def _ask(self, command: Callable[[Connection], T]) -> T:
        future: asyncio.Future[T] = self._loop.create_future()
        self._last = future
        self._queue.put(_Command(command, future))
        return await future

    def watch(self, what: str, call: Callable[[], None]) -> None:
        """Has this called after each commit that wrote what was marked by this word."""
        self._watchers[what] = call

    async def read(self, query: Callable[[Connection], T]) -> T:
        """What the query finds after every write that was asked for before it: what was seen once is in lists, too."""
        if self._last and not self._last.done():
            await asyncio.wait([self._last])
        return await self._loop.run_in_executor(self._readers, self._read, query)

    def _read(self, query: Callable[[Connection], T]) -> T:
        with self._engine.connect() as connection:
            return query(connection)

    def _write_loop(self) -> None:
        with self._engine.connect() as connection:
            while (first := self._queue.get()) is not None:
                batch, last = self._gather(first)
                self._run(connection, batch)
                self._loop.call_soon_threadsafe(_resolve, batch)
                if last:
                    return

    def _gather(self, first: _Command) -> tuple[list[_Command], bool]:
        batch = [first]
        while len(batch) < _BATCH and not self._queue.empty():
            command = self._queue.get()
            if command is None:
                return batch, True
            batch.append(command)
        return batch, False

    def _run(self, connection: Connection, batch: list[_Command]) -> None:
        try:
            for command in batch:
                _run_one(connection, command)
            marks = connection.info.pop(_MARKS, ())
            connection.commit()
            for what in marks:
                self._loop.call_soon_threadsafe(self._watchers.get(what, _nobody))
        except Exception as error:  # the writer outlives whatever became of one transaction
            connection.rollback()
            for command in batch:
                command.error = command.error or _unavailable(error)


def mark(connection: Connection, what: str) -> None:
    """Says in a command what it writes, for whoever watches that."""
    connection.info.setdefault(_MARKS, set()).add(what)


def _nobody() -> None:
    """Nobody watches this."""


def _together(command: Callable[[Connection], T], others: list[Write], connection: Connection) -> T:
    result = command(connection)
    for write in others:
        write(connection)
    return result


def _run_one(connection: Connection, command: _Command) -> None:
    if command.future.cancelled():
        return
    savepoint = connection.begin_nested()
    try:
        command.result = command.run(connection)
        savepoint.commit()
    except BaseException as error:  # whatever it is belongs to the one who asked, not to the batch
        command.error = _unavailable(error) if isinstance(error, OperationalError) else error
        savepoint.rollback()


def _unavailable(error: Exception) -> Retryable:
    cause = error.orig if isinstance(error, DBAPIError) else error
    return Retryable(f"the database cannot write now ({cause}); nothing was changed, try again")


def _resolve(batch: list[_Command]) -> None:
    for command in batch:
        if command.future.done():
            continue
        if command.error is not None:
            command.future.set_exception(command.error)
        else:
            command.future.set_result(command.result)
