"""What this agent knows of each instance: its own status, the list of changes, what the controller has yet to hear."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial

import msgspec

from paas_agent.contract import (
    Cause,
    Change,
    Check,
    Order,
    Outcome,
    Report,
    Status,
    judge,
)
from paas_agent.journal import Ended, Instance, Journal, Key, Operation
from paas_agent.live import Live
from paas_agent.process import Identity

log = logging.getLogger(__name__)

KEPT_OPERATIONS = 20
KEPT_CHANGES = 1000
KEPT_DAYS = 3
REPORTED_CHANGES = 300  # in one report, which has to stay below a MiB
REPORTED_OUTCOMES = 40
_DAY = 86400.0


class Instances:
    """All instances of this host. `wake` is called when the controller should hear of something at once."""

    def __init__(self, journal: Journal, now: Callable[[], float], wake: Callable[[], None]) -> None:
        self.journal = journal
        self.now = now
        self._wake = wake
        self._known = {record.key: self._live(record) for record in journal.load()}
        self._arriving: dict[Key, tuple[Operation, asyncio.Event]] = {}
        self._writing: set[asyncio.Future[None]] = set()

    def __iter__(self) -> Iterator[Live]:
        return iter(self._known.values())

    def get(self, key: Key) -> Live | None:
        """The instance, if it is known here."""
        return self._known.get(key)

    def in_flight(self, key: Key) -> Operation | None:
        """The operation an instance is busy with; its order may still be on its way to the disk."""
        if key in self._arriving:
            return self._arriving[key][0]
        live = self.get(key)
        return live.record.operation if live is not None else None

    def find_operation(self, operation_id: str) -> tuple[Live, Operation | Outcome] | None:
        """The instance an operation belongs to, and the operation in flight or how it ended."""
        for live in self:
            operation = live.record.operation
            if operation is not None and operation.id == operation_id:
                return live, operation
            for ended in live.record.ended:
                if ended.outcome.operation_id == operation_id:
                    return live, ended.outcome
        return None

    def ended_operations(self) -> list[str]:
        """The ids of all operations whose output is still here, and that have ended."""
        return [ended.outcome.operation_id for live in self for ended in live.record.ended]

    async def begin(self, operation: Operation) -> Live:
        """Write an accepted order down, and only then know of it. Raises OSError, and then nothing has changed."""
        order = operation.order
        key = order.type, order.name
        live = self.get(key) or Live(_unknown(order), self.journal.instance_folder(key))
        arrived = asyncio.Event()
        self._arriving[key] = operation, arrived
        try:
            await self.journal.save(msgspec.structs.replace(live.record, order=order, operation=operation))
            live.record.order, live.record.operation = order, operation
            self._known[key] = live
        finally:
            del self._arriving[key]
            arrived.set()
            self.judge(live)  # it had to wait; with the operation in flight it does so until that has ended
        return live

    async def arrival(self, operation_id: str) -> None:
        """Wait until an order of this id that is being written down is known, or could not be written."""
        while arriving := [arrived for operation, arrived in self._arriving.values() if operation.id == operation_id]:
            await arriving[0].wait()

    def adopt(self, order: Order) -> Live:
        """The instance of an order that only asks for a check; what was unknown is known from now on."""
        known = self.get((order.type, order.name))
        if known is not None and known.order == order:
            return known
        live = known or self._live(_unknown(order))
        live.record.order = order
        self._known[live.key] = live
        self.save(live)
        return live

    def settle(self, live: Live, outcome: Outcome, reason: str) -> None:
        """Write down how the operation in flight ended. `outcome` holds the status and `installed` from now on."""
        record = live.record
        before = record.status
        record.operation, live.progress = None, None
        record.installed, record.reason = outcome.installed, reason
        record.ended.append(Ended(outcome))
        if outcome.status != before:
            self._change(live, outcome.status, "action", reason or outcome.message, outcome.operation_id)
        live.check = outcome.check
        self._drop_old_operations(record)
        self.save(live)
        self._wake()
        self.judge(live)

    def observe(self, live: Live, code: str, message: str) -> None:
        """Take a check's result of an instance at rest."""
        last = live.check
        check = Check(code=code, msg=message, at=self.now())
        if last is not None and last.good == check.good:
            check.streak = last.streak + 1
        live.check = check
        if not check.good:
            self._wake()
        self.judge(live)

    def judge(self, live: Live) -> None:
        """Let the facts change the status of an instance at rest, if they do."""
        record = live.record
        if self.in_flight(live.key) is not None:
            return
        verdict = judge(
            record.status,
            installed=record.installed,
            alive=live.alive,
            check=live.check,
            fall=record.order.check_fall,
            rise=record.order.check_rise,
        )
        if verdict is None:
            return
        status, cause, reason = verdict
        record.reason = "" if status == "running" else reason
        self._change(live, status, cause, reason)
        self.save(live)
        self._wake()

    def watched(self, live: Live, identity: Identity | None) -> None:
        """Note which process is watched. It is saved with what comes of it, or here when nothing is in flight."""
        if live.record.watched != identity:
            live.record.watched = identity
            if live.record.operation is None:
                self.save(live)

    def save(self, live: Live, *, durable: bool = True) -> None:
        """Journal an instance. What cannot be written now is kept in memory, and written with the next report."""
        if live.forgotten:
            return
        if live.key in self._arriving:  # written now, it would take the place of the order
            live.unsaved = True
            return
        writing = self.journal.save_whatever(live.record, durable=durable)
        self._writing.add(writing)
        writing.add_done_callback(partial(self._saved, live))

    async def written(self) -> None:
        """Return when all that has been saved is on the disk, or is known not to be."""
        if self._writing:
            await asyncio.wait(self._writing)

    def forget(self, live: Live) -> None:
        """Drop an instance; its software and its working folder stay."""
        live.forgotten = True
        del self._known[live.key]
        self.journal.save_state()
        self.journal.remove(live.record)

    def fill(self, report: Report) -> None:
        """Add the full state, and what was not acknowledged. A day that has ended is sent once more whole."""
        self._republish_ended_day()
        report.instances = [live.report() for live in self]
        pending = (ended.outcome for live in self for ended in live.record.ended if not ended.acknowledged)
        report.outcomes = sorted(pending, key=lambda outcome: outcome.ended_at)[:REPORTED_OUTCOMES]
        fresh = (c for live in self for c in live.record.changes if c.number > self.journal.state.published)
        report.changes = sorted(fresh, key=lambda change: change.number)[:REPORTED_CHANGES]

    def acknowledge(self, report: Report) -> None:
        """The controller has taken this report: what it held need not be said again."""
        told = {outcome.operation_id for outcome in report.outcomes}
        for live in self:
            news = [ended for ended in live.record.ended if ended.outcome.operation_id in told]
            for ended in news:
                ended.acknowledged = True
            if news or live.unsaved:
                self.save(live, durable=live.unsaved)
        if report.changes:
            self.journal.state.published = report.changes[-1].number
            self.journal.save_state()

    def more_to_tell(self) -> bool:
        """Whether there is something that was not acknowledged, because no report has had room for it yet."""
        published = self.journal.state.published
        return any(
            any(not ended.acknowledged for ended in live.record.ended)
            or any(change.number > published for change in live.record.changes)
            for live in self
        )

    def _saved(self, live: Live, writing: asyncio.Future[None]) -> None:
        self._writing.discard(writing)
        error = writing.exception()
        live.unsaved = error is not None
        if isinstance(error, OSError):
            log.error("%s/%s cannot be journaled (%s); it is tried again", *live.key, error.strerror)

    def _live(self, record: Instance) -> Live:
        folder = self.journal.instance_folder(record.key)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Live(record, folder)

    def _change(self, live: Live, status: Status, cause: Cause, reason: str, operation_id: str = "") -> None:
        record, state, now = live.record, self.journal.state, self.now()
        state.change += 1
        change = Change(
            number=state.change,
            type=record.order.type,
            name=record.order.name,
            before=record.status,
            after=status,
            at=now,
            cause=cause,
            reason=reason[:300],
            operation_id=operation_id,
        )
        log.info("%s/%s: %s -> %s: %s", *live.key, record.status, status, change.reason or cause)
        record.status = status
        kept = [c for c in record.changes if c.number > state.published or c.at > now - KEPT_DAYS * _DAY]
        record.changes = [*kept, change][-KEPT_CHANGES:]

    def _drop_old_operations(self, record: Instance) -> None:
        surplus = max(len(record.ended) - KEPT_OPERATIONS, 0)
        for ended in [ended for ended in record.ended if ended.acknowledged][:surplus]:
            record.ended.remove(ended)
            self.journal.remove_operation(ended.outcome.operation_id)

    def _republish_ended_day(self) -> None:
        state, today = self.journal.state, _day(self.now())
        if state.day == today:
            return
        numbers = [c.number for live in self for c in live.record.changes if _day(c.at) == state.day]
        state.published = min([state.published, *(number - 1 for number in numbers)])
        state.day = today
        self.journal.save_state()


def _unknown(order: Order) -> Instance:
    return Instance(order=order, status=order.believed, installed=order.believed != "not-installed")


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).date().isoformat()
