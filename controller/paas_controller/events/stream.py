"""The story as it happens: who listens is given each step once, in the order of the commits.

The newest steps are in memory, once for all who listen, so that one read after a commit serves everybody. Who begins
further back reads the rows until it has caught up; who falls behind what is in memory after that is cut off.
"""

import asyncio
from bisect import bisect_right
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import msgspec
from sqlalchemy import Connection

from paas_controller.events import tables as events
from paas_controller.events.shown import shown
from paas_controller.store.store import Store

KEPT = 10_000
"""Steps in memory while somebody listens."""
PAGE = 500
_id = attrgetter("id")


class Behind(Exception):
    """The next step is no longer in memory."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step, written once for all who listen; `at` is UTC seconds, `tenant` is whose it is."""

    id: int
    at: float
    topic: str
    name: str
    tenant: str
    message: bytes


def _any(_: Step) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose story; what is empty takes all. Of that, those steps are told that are `meant` for this listener."""

    topic: str = ""
    name: str = ""
    meant: Callable[[Step], bool] = _any


class Stream:
    """What was committed lately, and who waits for more. `kept` steps stay in memory."""

    def __init__(self, store: Store, kept: int = KEPT) -> None:
        self._store, self._kept = store, kept
        self._latest: list[Step] = []
        self.floor = self._last = 0
        """The steps after `floor`, up to `_last`, are in memory."""
        self.listeners = 0
        self.closed = False
        self._written, self._news = asyncio.Event(), asyncio.Event()
        store.watch(events.WRITTEN, self._written.set)

    @asynccontextmanager
    async def listening(self, after: int | None, wanted: Wanted) -> AsyncIterator["Listener"]:
        """Somebody who is given what comes after this step; from now on, where none is named."""
        newest = await self._store.read(events.last)
        if not self.listeners:
            self.floor = self._last = newest
            self._latest.clear()
            self._written.set()  # what was committed since then woke nobody
        self.listeners += 1
        try:
            yield Listener(self, newest if after is None else min(after, newest), wanted)
        finally:
            self.listeners -= 1

    async def pump(self) -> None:
        """Takes into memory what is committed, for ever."""
        while True:
            await self._written.wait()
            self._written.clear()
            try:
                await self._catch_up()
            except BaseException:
                self._written.set()
                raise

    async def _catch_up(self) -> None:
        while self.listeners:
            begun = self._last
            steps = await self.between(begun, None, Wanted())
            if begun != self._last:
                continue  # all had gone, and a first one came, who begins further on
            if steps:
                self._take(steps)
            if len(steps) < PAGE:
                return

    def _take(self, steps: Sequence[Step]) -> None:
        self._latest += steps
        self._last = steps[-1].id
        if len(self._latest) > 2 * self._kept:
            self.floor = self._latest[-self._kept - 1].id
            del self._latest[: -self._kept]
        self._wake()

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def close(self, *_: object) -> None:
        """Nothing more is told; all who listen are let go."""
        self.closed = True
        self._wake()

    async def between(self, after: int, until: int | None, wanted: Wanted) -> list[Step]:
        """Rows as steps, PAGE at most."""

        def read(connection: Connection) -> list[Step]:
            of = (wanted.topic, wanted.name)
            return [
                Step(row["id"], row["at"], row["topic"], row["name"], row["tenant"], _message(row))
                for row in events.between(connection, after, until, of, PAGE)
            ]

        return await self._store.read(read)

    async def after(self, position: int) -> Sequence[Step]:
        """What comes after this step, as soon as there is something; nothing once the stream is closed. Behind."""
        while not self.closed:
            if position < self.floor:
                raise Behind
            start = bisect_right(self._latest, position, key=_id)
            if found := self._latest[start : start + PAGE]:
                return found
            await self._news.wait()
        return ()


class Listener:
    """One who listens, and the step that it has come to."""

    def __init__(self, stream: Stream, position: int, wanted: Wanted) -> None:
        self._stream, self.position, self._wanted = stream, position, wanted
        self._caught_up = False

    async def next(self) -> bytes:
        """The next messages, as soon as there are any; nothing once the stream is closed. Behind."""
        while not self._stream.closed:
            steps = await (self._live() if self._caught_up else self._past())
            if steps:
                return b"".join(step.message for step in steps)
        return b""

    async def _past(self) -> Sequence[Step]:
        until = self._stream.floor
        if self.position >= until:
            self._caught_up = True
            return ()
        steps = await self._stream.between(self.position, until, self._wanted)
        self.position = steps[-1].id if len(steps) == PAGE else until
        return [step for step in steps if self._wanted.meant(step)]

    async def _live(self) -> Sequence[Step]:
        steps = await self._stream.after(self.position)
        if steps:
            self.position = steps[-1].id
        topic, name, meant = self._wanted.topic, self._wanted.name, self._wanted.meant
        return [step for step in steps if topic in ("", step.topic) and name in ("", step.name) and meant(step)]


def _message(row: dict[str, Any]) -> bytes:
    told = {"kind": row["topic"], "name": row["name"]} | shown(row)
    return b"id: %d\nevent: change\ndata: %b\n\n" % (row["id"], msgspec.json.encode(told))
