"""Operations in flight: written down before anything is sent, carried to the agent, and never running for ever."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from paas_agent.contract import ENDED, Action, Kind, OperationState, Order, Outcome, Progress
from paas_controller.base.clock import Clock
from paas_controller.base.errors import Conflict, NotFound, PaasError, Retryable
from paas_controller.base.logs import operation_id
from paas_controller.hosts.agents import Agents, JournalReplaced
from paas_controller.hosts.service import Hosts
from paas_controller.software import records
from paas_controller.software.instances import Instance
from paas_controller.software.members import Member
from paas_controller.software.records import OPERATION
from paas_controller.software.tally import Tally
from paas_controller.store.store import Store

_log = logging.getLogger(__name__)
GRACE = 60.0
"""Seconds beyond an action's own time-out before the controller gives up waiting for its outcome."""
_SLOWEST_RETRY = 5.0


@dataclass(slots=True)
class Operation:
    """One run of one action on one member. Times are UTC seconds."""

    id: str
    instance: int
    member: int
    kind: Kind
    name: str
    host: str
    action: Action
    generation: int
    created_at: float
    deadline: float
    """As it was when it began. A controller that starts again gives the whole time anew: it could not hear before."""
    epoch: str
    """The agent's journal that it is meant for, and that it is never sent to another one than."""
    state: str = "pending"
    """What this controller knows of it: pending until its agent has said that it has it. Its row says so to the end."""
    cancelled_by: str = ""
    tried: bool = False
    """Whether its agent may know it."""
    trouble: str = ""
    """Why what its agent is to be told was not taken there yet; empty where it was."""
    progress: Progress | None = None
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    called_off: asyncio.Event = field(default_factory=asyncio.Event)
    carrier: asyncio.Task[None] | None = None

    def row(self) -> dict[str, Any]:
        names = (
            "id", "instance", "member", "kind", "name", "host", "action",
            "generation", "created_at", "deadline", "state", "epoch",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names}


GiveUp = Callable[[Operation, OperationState, str], Awaitable[None]]
"""Takes the operation for ended: with which state, and the sentence why."""
MakeOrder = Callable[[Operation], Awaitable[Order]]


class _NeverBegan(Exception):
    """It was cancelled, and its agent does not know it."""


class Operations:
    """What is in flight, each carried by a task of its own until its outcome is stored."""

    def __init__(self, store: Store, hosts: Hosts, agents: Agents, clock: Clock) -> None:
        self._store, self._hosts, self._agents, self._clock = store, hosts, agents, clock
        self.tally = Tally()
        self._flying: dict[str, Operation] = {}
        self._of_host: defaultdict[str, dict[str, Operation]] = defaultdict(dict)
        self._make_order: MakeOrder
        self._give_up: GiveUp

    async def start(self, make_order: MakeOrder, give_up: GiveUp) -> None:
        """Takes up again what was in flight when the controller ended."""
        self._make_order, self._give_up = make_order, give_up
        unfinished = select(OPERATION).where(OPERATION.c.state.not_in(ENDED))
        names = tuple(Operation.__dataclass_fields__)
        for row in await self._store.read(lambda c: c.execute(unfinished).mappings().all()):
            self.carry(Operation(**{name: row[name] for name in names if name in row}, tried=True))

    def __iter__(self) -> Iterator[Operation]:
        return iter(list(self._flying.values()))

    def get(self, identifier: str) -> Operation | None:
        return self._flying.get(identifier)

    def trouble(self, identifier: str) -> str:
        """Why an operation is not on its way yet; empty where it is."""
        operation = self.get(identifier)
        return operation.trouble if operation else ""

    def on_host(self, host: str) -> list[Operation]:
        return list(self._of_host.get(host, {}).values())

    async def worked_on(self, epoch: str, members: Sequence[tuple[Instance, Member]]) -> set[int]:
        """The ids of those of these members of which an operation succeeded under this journal of their agent's."""
        return await self._store.read(partial(records.worked_on, epoch=epoch, members=members))

    def carry(self, operation: Operation) -> None:
        """Sends it until the agent has it, then waits for its outcome; called once its row is committed."""
        self._flying[operation.id] = self._of_host[operation.host][operation.id] = operation
        if operation.cancelled_by:
            operation.called_off.set()
        operation.carrier = asyncio.create_task(self._carry(operation), name=f"operation {operation.id}")

    def over(self, identifier: str, state: OperationState, message: str = "") -> None:
        """Its outcome is stored: the state that it ended in, and what was said of it."""
        operation = self._flying.pop(identifier, None)
        if operation is None:
            return
        self.tally.count(operation.action, state, self._clock.time() - operation.created_at)
        _log_end(operation, state, message)
        del self._of_host[operation.host][identifier]
        if operation.carrier and operation.carrier is not asyncio.current_task():
            operation.carrier.cancel()

    def drop(self, instance: int, members: Collection[int] = ()) -> None:
        """An instance, or some of its members, was forgotten: nobody waits for their operations any more."""
        for operation in list(self._flying.values()):
            if operation.instance == instance and (not members or operation.member in members):
                self.over(operation.id, "interrupted", "its instance was forgotten")

    async def stop(self) -> None:
        carriers = [operation.carrier for operation in self._flying.values() if operation.carrier]
        for carrier in carriers:
            carrier.cancel()
        await asyncio.gather(*carriers, return_exceptions=True)

    def heard(self, host: str) -> None:
        """The host was heard of: whatever waits to be sent there is sent now."""
        for operation in self.on_host(host):
            operation.heard.set()

    async def _carry(self, operation: Operation) -> None:
        operation_id.set(operation.id)
        try:
            async with asyncio.timeout(operation.deadline - operation.created_at):
                await self._until(operation, self._sent)
                await operation.called_off.wait()
                if not operation.tried:
                    raise _NeverBegan(f"{operation.host} was not told of it yet")
                await self._until(operation, self._cancelled)
                await asyncio.Event().wait()
        except TimeoutError:
            await self._last_word(operation)
            sent = operation.state != "pending"
            told = "no outcome came" if sent else f"{operation.host} did not confirm the order"
            await self._end(operation, "timed-out", f"{operation.action} timed out: {told} in time")
        except _NeverBegan as error:
            await self._end(operation, "cancelled", f"{operation.action} was cancelled before it began: {error}")
        except JournalReplaced as error:
            await self._end(operation, "interrupted", f"{operation.host} has a new journal: {error.message}")
        except PaasError as error:
            await self._end(operation, "failed", error.message)

    async def _last_word(self, operation: Operation) -> None:
        """Waits for the next report of its host, unless that is silent: an outcome that lies there comes with it."""
        _log.info("%s of %s is overdue: %s has the last word", operation.action, operation.name, operation.host)
        operation.heard.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._hosts.patience):
                await operation.heard.wait()

    async def _end(self, operation: Operation, state: OperationState, sentence: str) -> None:
        while True:
            try:
                return await self._give_up(operation, state, sentence)
            except Retryable as error:
                _log.warning("%s could not be ended: %s", operation.id, error.message)
                await asyncio.sleep(error.after)
            except Exception:  # nobody else would end it
                _log.exception("ending %s failed and is tried again", operation.id)
                await asyncio.sleep(_SLOWEST_RETRY)

    async def _until(self, operation: Operation, act: Callable[[Operation], Awaitable[None]]) -> None:
        """Speaks to the agent until it has understood; once called off, an order is no longer sent."""
        wait = 0.25
        while True:
            obstacle = self._hosts.get(operation.host).obstacle
            try:
                if operation.cancelled_by and act == self._sent:
                    return
                if not obstacle:
                    await act(operation)
                    operation.trouble = ""
                    return
            except (Retryable, Conflict) as error:
                obstacle = error.message
            except (PaasError, _NeverBegan):
                raise
            except Exception as error:  # nobody else would carry it
                _log.exception("carrying %s failed and is tried again", operation.id)
                obstacle = f"{type(error).__name__}, which the log explains"
            operation.trouble = obstacle
            _log.info("%s of %s waits: %s", operation.action, operation.name, obstacle)
            operation.heard.clear()
            wait = min(wait * 2, _SLOWEST_RETRY)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await operation.heard.wait()

    async def _sent(self, operation: Operation) -> None:
        host = self._hosts.get(operation.host)
        order = await self._make_order(operation)
        operation.tried = True
        accepted = await self._agents.order(host.reach, operation.action, order)
        operation.state = "running" if accepted.state == "running" else "sent"

    async def _cancelled(self, operation: Operation) -> None:
        host = self._hosts.get(operation.host)
        try:
            await self._agents.cancel(host.reach, operation.id)
        except NotFound:
            raise _NeverBegan(f"{operation.host} never had it") from None

    def call_off(self, operation: Operation, by: str) -> None:
        """Its cancelling is committed: the agent is told as soon as it can be."""
        operation.cancelled_by = by
        operation.called_off.set()
        operation.heard.set()

    async def log(self, identifier: str, offset: int) -> bytes:
        """Its output from this offset on, from the agent that ran it."""
        row = await self._store.read(lambda c: find_row(c, identifier))
        host = self._hosts.get(row["host"])
        if host.obstacle:
            raise Retryable(f"the output lies on its host, and {host.obstacle}")
        return await self._agents.log(host.reach, identifier, offset)


_ADD = insert(OPERATION).inline()
_END = update(OPERATION).where(OPERATION.c.id == bindparam("of"), OPERATION.c.host == bindparam("on"))


def _log_end(operation: Operation, state: OperationState, message: str) -> None:
    level = logging.INFO if state in ("succeeded", "cancelled") else logging.WARNING
    told = (operation.kind, operation.name, operation.host, operation.action, state)
    sentence = message.partition("\n")[0]
    said = f": {sentence}" if sentence else ""
    _log.log(level, "%s %s on %s: %s %s%s", *told, said, extra={"operation_id": operation.id})


def add_row(connection: Connection, operation: Operation) -> None:
    connection.execute(_ADD, operation.row())


def cancel_row(connection: Connection, identifier: str, by: str) -> None:
    """Keeps that it was cancelled, so that a controller that starts again goes on to cancel it."""
    connection.execute(update(OPERATION).where(OPERATION.c.id == identifier).values(cancelled_by=by))


def end_row(connection: Connection, host: str, outcome: Outcome, now: float) -> None:
    """Writes how an operation of this host ended; what its agent says later replaces what the controller assumed."""
    values: dict[str, Any] = {"state": outcome.state, "exit_code": outcome.exit_code, "fault": outcome.fault}
    values |= {"message": outcome.message, "started_at": outcome.started_at or None}
    connection.execute(_END, values | {"ended_at": outcome.ended_at or now, "of": outcome.operation_id, "on": host})


def find_row(connection: Connection, identifier: str) -> dict[str, Any]:
    """The row of an operation; NotFound."""
    row = connection.execute(select(OPERATION).where(OPERATION.c.id == identifier)).mappings().first()
    if row is None:
        raise NotFound(f"no operation is called {identifier}")
    return dict(row)
