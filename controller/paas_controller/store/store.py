"""One writer thread, many commands in one commit; a small pool of readers.

A command is a function of the connection. Each runs in a savepoint of its own, so that one that fails takes nothing
with it; its future is resolved only after the commit, so that nothing is said to be kept before it is. A database that
was gone is connected to again with the next batch or read.
"""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any, Self, TypeVar, cast

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, InvalidRequestError

from paas_controller.base.errors import PaasError
from paas_controller.store.company import Write, company
from paas_controller.store.database import READERS, Database, Ousted, is_passing, unread, unusable, unwritten
from paas_controller.store.engines import open_database
from paas_controller.store.figures import Figures

T = TypeVar("T")
_log = logging.getLogger(__name__)
_BATCH = 256
_LOOK = 5.0
"""Seconds without a write after which the writer looks whether the database is still there, and still this one's."""
_MARKS = "marks"


@dataclass(slots=True)
class _Command:
    run: Callable[[Connection], Any]
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None


class _Rehearsed(Exception):
    """Takes a command's result out of a transaction that is rolled back."""


class Store:
    """Writes by one thread, reads by a few. Raises Retryable where the database cannot: disk full, locked, gone."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queue: queue.SimpleQueue[_Command | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write_loop, name="store-writer", daemon=True)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-reader")
        self._loop = asyncio.get_running_loop()
        self._last: asyncio.Future[Any] | None = None
        """The write asked for last: it is resolved after all those before it."""
        self._watchers: dict[str, Callable[[], None]] = {}
        self._wrong = ""
        self._end: Ousted | None = None
        self.figures = Figures()
        self.ousted: asyncio.Future[str] = self._loop.create_future()
        """Why this controller must end, once another one has taken the database."""

    @classmethod
    async def open(cls, url: str, prepare: Callable[[Connection], None] = lambda _: None) -> Self:
        """Opens the database behind the URL and has it prepared, all or nothing; PaasError where it cannot be used."""
        store = cls(await asyncio.to_thread(open_database, url))
        try:
            await asyncio.to_thread(store._prepare, prepare)
        except DBAPIError as error:
            raise unusable(store._database.name, error) from None
        store._writer.start()
        return store

    def _prepare(self, prepare: Callable[[Connection], None]) -> None:
        with self._database.writing.begin() as connection:
            prepare(connection)

    async def close(self) -> None:
        """Ends after everything that was asked for is committed."""
        self._queue.put(None)
        await asyncio.to_thread(self._writer.join)
        self._readers.shutdown()
        self._database.close()

    async def write(self, command: Callable[[Connection], T], *, alone: bool = False) -> T:
        """What the command answers or raises. What keeps its request company goes along, unless it is `alone`."""
        around = company.get()
        if alone or around is None or not (taken := around.take()):
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

    @property
    def waiting(self) -> int:
        """Writes that are not taken up yet."""
        return self._queue.qsize()

    def watch(self, what: str, call: Callable[[], None]) -> None:
        """Has this called after each commit that wrote what was marked by this word."""
        self._watchers[what] = call

    async def rehearse(self, command: Callable[[Connection], T]) -> T:
        """What the command would answer or raise, after every write asked for before it; nothing of it is kept."""

        def act(connection: Connection) -> T:
            raise _Rehearsed(command(connection))

        try:
            return await self.write(act)
        except _Rehearsed as played:
            return cast(T, played.args[0])

    async def read(self, query: Callable[[Connection], T]) -> T:
        """What the query finds after every write that was asked for before it: what was seen once is in lists, too."""
        if self._last and not self._last.done():
            await asyncio.wait([self._last])
        self.figures.reads += 1
        return await self._loop.run_in_executor(self._readers, self._read, query)

    def _read(self, query: Callable[[Connection], T]) -> T:
        try:
            with self._database.reading.connect() as connection:
                return query(connection)
        except DBAPIError as error:
            if is_passing(error):
                raise unread(error) from None
            raise

    def _write_loop(self) -> None:
        last = False
        while not last:
            batch, last = self._gather()
            self._run(batch)
            if batch:
                self._loop.call_soon_threadsafe(_resolve, batch)

    def _gather(self) -> tuple[list[_Command], bool]:
        """What is to be written next, and whether it is the last; nothing where nobody asked for a while."""
        batch: list[_Command] = []
        try:
            while len(batch) < _BATCH:
                command = self._queue.get(timeout=0 if batch else _LOOK)
                if command is None:
                    return batch, True
                batch.append(command)
        except queue.Empty:
            pass
        return batch, False

    def _run(self, batch: list[_Command]) -> None:
        begun = perf_counter()
        try:
            if self._end:
                raise self._end
            with self._database.writing.connect() as connection:
                for command in batch:
                    _run_one(connection, command)
                marks = connection.info.pop(_MARKS, ())
                self._database.commit(connection)
            if batch:
                self.figures.commit_seconds.observe(perf_counter() - begun)
                self.figures.commit_writes.observe(len(batch))
            for what in marks:
                self._loop.call_soon_threadsafe(self._watchers.get(what, _nobody))
            self._tell("")
        except Exception as error:  # the writer outlives whatever became of one transaction
            if isinstance(error, Ousted):
                self._end = error
                self._loop.call_soon_threadsafe(self._oust, error.message)
            told = error if isinstance(error, PaasError) else unwritten(error)
            self._tell(told.message)
            for command in batch:
                command.error = command.error or told

    def _tell(self, wrong: str) -> None:
        """Says in the log when writing has ceased to go well, and when it goes well again."""
        if wrong and not self._wrong:
            _log.error("%s", wrong)
        elif self._wrong and not wrong:
            _log.info("the database can be written to again")
        self._wrong = wrong

    def _oust(self, why: str) -> None:
        if not self.ousted.done():
            self.ousted.set_result(why)


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
    connection.exec_driver_sql("SAVEPOINT command")  # a begin_nested() of SQLAlchemy costs four times as much
    around = connection.get_transaction()
    try:
        command.result = command.run(connection)
        if connection.get_transaction() is not around:
            raise InvalidRequestError("a command may not end the transaction that it runs in")
    except BaseException as error:  # whatever it is belongs to the one who asked, not to the batch
        command.error = unwritten(error) if is_passing(error) else error
        if connection.invalidated:
            raise  # what went before in this batch is gone as well
        connection.exec_driver_sql("ROLLBACK TO SAVEPOINT command")
    connection.exec_driver_sql("RELEASE SAVEPOINT command")


def _resolve(batch: list[_Command]) -> None:
    for command in batch:
        if command.future.done():
            continue
        if command.error is not None:
            command.future.set_exception(command.error)
        else:
            command.future.set_result(command.result)
