"""Looking back: changed lists, events, operations and their output."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from sqlalchemy import Connection

from paas_agent.contract import ENDED, Kind
from paas_controller.base.clock import Clock, rfc3339
from paas_controller.base.errors import Conflict, Invalid, NotFound
from paas_controller.events import tables as events
from paas_controller.events.shown import shown
from paas_controller.software import records
from paas_controller.software.board import Board
from paas_controller.software.days import Days
from paas_controller.software.operations import Operation, Operations, find_row
from paas_controller.store.store import Store

KEPT_DAYS = 400
_CAUSES = ("", "check", "exit", "action", "report", "silence")


Rows = list[dict[str, Any]]
ReadPage = Callable[[Connection, str, str, int | None, int], Rows]
Page = tuple[list[dict[str, Any]], str | None]
"""Documents, and the cursor to go on with, where there may be more."""


class History:
    """What was; answers with plain JSON documents."""

    def __init__(self, store: Store, board: Board, operations: Operations, days: Days, clock: Clock) -> None:
        self._store, self._board, self._operations, self._days, self._clock = store, board, operations, days, clock

    async def retain(self) -> None:
        """Drops what is older than KEPT_DAYS, a day's worth once an hour, for ever."""
        while True:
            before = self._clock.time() - KEPT_DAYS * 86400
            await self._store.write(partial(records.drop_old, day=self._days.day_of(before), before=before))
            await self._store.write(partial(events.drop, before=before))
            await asyncio.sleep(3600)

    async def changed(self, kind: Kind, day: str, cause: str, *, detail: bool) -> list[Any]:
        """The names on a day's list, each once, in the order of the first change; or every change of that day."""
        if cause not in _CAUSES:
            raise Invalid(f"cause {cause!r} is unknown; it is one of {', '.join(_CAUSES[1:])}")
        date = self._days.named(day, self._clock.time())
        rows = await self._store.read(lambda c: records.changed_on(c, kind, date, cause))
        return [_change(row) for row in rows] if detail else list(dict.fromkeys(row["name"] for row in rows))

    async def events(self, kind: Kind, name: str, before: int | None, limit: int) -> Page:
        """Newest first. NotFound where no such instance ever was."""
        rows = await self._newest(events.page, kind, name, before, limit)
        return [shown(row) for row in rows], _next(rows, "id", limit)

    async def operations(self, kind: Kind, name: str, before: int | None, limit: int) -> Page:
        """Newest first. NotFound where no such instance ever was."""
        rows = await self._newest(records.operations_page, kind, name, before, limit)
        return [self.shown(row) for row in rows], _next(rows, "number", limit)

    async def _newest(self, page: ReadPage, kind: Kind, name: str, before: int | None, limit: int) -> Rows:
        rows = await self._store.read(lambda c: page(c, kind, name, before, limit))
        if rows or self._board.named(kind, name) or await self._store.read(lambda c: page(c, kind, name, None, 1)):
            return rows
        raise NotFound(f"no {kind} is or was called {name}")

    async def operation(self, identifier: str) -> dict[str, Any]:
        (row,) = await self._read(lambda c: [find_row(c, identifier)])
        return self.shown(row)

    async def _read(self, rows: Callable[[Connection], list[dict[str, Any]]]) -> list[dict[str, Any]]:
        """Rows of operations; read again where one has ended since, which its row does not say yet."""
        for _ in range(3):
            found = await self._store.read(rows)
            if all(row["state"] in ENDED or self._operations.get(row["id"]) for row in found):
                break
        return found

    async def in_flight(self, identifier: str) -> Operation:
        """The operation, while it may still be cancelled; Conflict where it has ended, NotFound."""
        row = await self._store.read(lambda c: find_row(c, identifier))
        flying = self._operations.get(identifier)
        if flying is None:
            raise Conflict(f"the {row['action']} of {row['name']} has ended: {row['state']}")
        return flying

    def shown(self, row: dict[str, Any]) -> dict[str, Any]:
        shown = operation_shown(row)
        flying = self._operations.get(row["id"])
        if flying is None or row["state"] in ENDED:  # its end is stored, and about to be known everywhere
            return shown
        shown["state"] = flying.state
        shown["cancelled_by"] = flying.cancelled_by
        if progress := flying.progress:
            shown["started_at"] = rfc3339(progress.started_at or None)
            shown["progress"] = {
                "phase": progress.phase, "bytes_done": progress.bytes_done, "bytes_total": progress.bytes_total,
            }  # fmt: skip
        return shown


def _next(rows: list[dict[str, Any]], key: str, limit: int) -> str | None:
    return str(rows[-1][key]) if len(rows) == limit > 0 else None


def operation_shown(row: dict[str, Any]) -> dict[str, Any]:
    """An operation's row, for people."""
    times = {key: rfc3339(row[key]) for key in ("created_at", "started_at", "ended_at", "deadline")}
    return {key: value for key, value in row.items() if key not in ("instance", "member", "epoch", "number")} | times


def _change(row: dict[str, Any]) -> dict[str, Any]:
    shown = {"name": row["name"], "host": row["host"], "from": row["before"], "to": row["after"]}
    return shown | {"at": rfc3339(row["at"]), "cause": row["cause"], "reason": row["reason"]}
