"""Closes the difference: takes instances off a queue, decides for each member, writes the operation down, sends it.

A wake-up is only a hint: what is done is decided on what the board says at that moment, and a slow resync looks at
everything, so that a lost hint costs time and never truth.
"""

import asyncio
import logging
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial

from paas_controller.base.clock import Clock
from paas_controller.base.errors import PaasError
from paas_controller.hosts.service import Hosts
from paas_controller.software.board import Board
from paas_controller.software.decide import Act, Decision, Gates, Wait, decide
from paas_controller.software.drafts import Draft, Told
from paas_controller.software.gates import Drained, line_of
from paas_controller.software.instances import Instance
from paas_controller.software.members import Member, Moved
from paas_controller.software.operations import GRACE, Operation, Operations, add_row
from paas_controller.software.orders import Specs, timeout_of
from paas_controller.software.rehearsal import Decide, Step, rehearse
from paas_controller.software.schemas import InstanceBody
from paas_controller.software.turns import ordered

_log = logging.getLogger(__name__)
RESYNC_EVERY = 60.0
_TRY_AGAIN = 1.0
_AT_ONCE = 50
"""Operations of one instance that begin in one commit: what is reported meanwhile must not wait for a thousand."""


class Reconciler:
    """One pass per instance at a time; the latest wish wins."""

    def __init__(
        self, board: Board, specs: Specs, operations: Operations, hosts: Hosts, clock: Clock, drained: Drained
    ) -> None:
        self._board, self._specs, self._operations, self._hosts, self._clock = board, specs, operations, hosts, clock
        self._drained = drained
        self._passes: dict[int, asyncio.Task[None]] = {}
        self._again: set[int] = set()
        self._timers: dict[int, asyncio.TimerHandle] = {}
        board.watchers.append(self.wake)
        board.follow = self._follow

    def wake(self, identifier: int) -> None:
        """Something about this instance may have changed."""
        if identifier in self._passes:
            self._again.add(identifier)
            return
        if timer := self._timers.pop(identifier, None):
            timer.cancel()
        task = asyncio.create_task(self._pass(identifier), name=f"reconcile {identifier}")
        self._passes[identifier] = task
        task.add_done_callback(partial(self._passed, identifier))

    def _passed(self, identifier: int, task: asyncio.Task[None]) -> None:
        del self._passes[identifier]
        if task.cancelled():
            return
        if error := task.exception():
            expected = isinstance(error, PaasError)
            _log.warning("a pass is tried again: %s", error, exc_info=None if expected else error)
            self._wake_in(identifier, _TRY_AGAIN)
        elif identifier in self._again:
            self._again.discard(identifier)
            self.wake(identifier)

    def _wake_in(self, identifier: int, seconds: float) -> None:
        if timer := self._timers.pop(identifier, None):
            timer.cancel()
        loop = asyncio.get_running_loop()
        self._timers[identifier] = loop.call_later(max(0.0, seconds), self.wake, identifier)

    async def resync(self) -> None:
        """Looks at everything, slowly, for ever."""
        while True:
            for count, instance in enumerate(self._board):
                self.wake(instance.id)
                if count % 200 == 199:
                    await asyncio.sleep(0.05)
            await asyncio.sleep(RESYNC_EVERY)

    async def stop(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        passes = list(self._passes.values())
        for task in passes:
            task.cancel()
        await asyncio.gather(*passes, return_exceptions=True)

    def deciding(self, instance: Instance) -> Decide:
        """What is to be done about each member of an instance that is as it is now."""
        return self._deciding(instance, self._obstacle, self._drained)

    def rehearse(self, instance: Instance, drained: Drained | None = None) -> Iterator[Step]:
        """What would be done about an instance if it, or which hosts are drained, were so; and what keeps it from being
        done now."""
        if_reached = partial(self._deciding, obstacle=lambda *_: "", drained=drained or self._drained)
        return rehearse(instance, if_reached, self._obstacle, self._clock.time())

    def _deciding(self, instance: Instance, obstacle: Callable[[Instance, Member], str], drained: Drained) -> Decide:
        dependencies, dependents = self._board.dependencies(instance), self._board.dependents(instance)
        line = line_of(instance, dependencies=dependencies, dependents=dependents, drained=drained)
        now = self._clock.time()

        def decided(member: Member) -> Decision:
            gates = line.gates(member, obstacle(instance, member))
            trouble = self._operations.trouble(member.operation)
            return decide(instance.situation(member, drained(member.host), trouble), gates, now)

        return decided

    def _obstacle(self, instance: Instance, member: Member) -> str:
        obstacle = self._hosts.obstacle(member.host)
        if not obstacle and (instance.kind, instance.name) in self._board.forgotten(member.host):
            return f"{member.host} still has to forget the former {instance.name}"
        return obstacle

    async def _pass(self, identifier: int) -> None:
        instance = self._board.find(identifier)
        if instance is None:
            self._operations.drop(identifier)
            return
        if instance.deleting and instance.gone:
            gone = Moved("not-installed", "not-installed", self._clock.time(), "action", "uninstalled, and deleted")
            await self._board.forget(instance, gone)
            return
        if left := [member for member in instance.members if member.leaving and instance.gone_from(member)]:
            await self._leave(instance, left)
            return
        decisions = list(map(self.deciding(instance), instance.members))
        if not any(isinstance(decision, Act) for decision in decisions):
            self._sleep_until_due(instance, decisions)
            self._call_for_hosts(instance)
            return
        body = await self._specs.of(instance)
        latest = self._board.find(identifier)
        if latest is not None:
            draft = Draft()
            self._plan(draft, latest, body)
            draft.closed = True  # all that follows is in it
            await self._board.commit(draft)

    async def _leave(self, instance: Instance, left: list[Member]) -> None:
        """Takes off the instance the members that were to go and are gone."""
        draft = Draft()
        staying = tuple(member for member in instance.members if member not in left)
        draft.put(instance, replace(instance, members=staying, revision=instance.revision + 1))
        for member in left:
            gone = Moved("not-installed", "not-installed", self._clock.time(), "action", "uninstalled, and taken off")
            draft.story.append(Told(instance, member.host, gone))
        await self._board.commit(draft)

    def _call_for_hosts(self, instance: Instance) -> None:
        """Has agents come to the hosts where there is work, also where that work still waits for others."""
        for member in instance.members:
            situation = instance.situation(member, self._drained(member.host))
            if not self._hosts.get(member.host).enrolled and isinstance(
                decide(situation, Gates(), self._clock.time()), Act
            ):
                self._hosts.wanted(member.host)

    def _sleep_until_due(self, instance: Instance, decisions: Iterable[Decision]) -> None:
        due = [wait.until for wait in decisions if isinstance(wait, Wait) and wait.until is not None]
        if due:
            self._wake_in(instance.id, min(due) - self._clock.time())

    def _follow(self, draft: Draft) -> None:
        for before, after in list(draft.edits.values()):
            body = self._specs.known(after)
            # All members are looked at: those of a large instance once for many reports, by the next pass.
            if body is not None and len(after.members) <= _AT_ONCE:
                self._plan(draft, before, body)

    def _plan(self, draft: Draft, instance: Instance, body: InstanceBody) -> None:
        """Adds the operations that are due to a draft, or as many as begin at once; the next pass adds the others."""
        decided, begun = self.deciding(draft.now(instance)), 0
        for member in draft.now(instance).members:
            if begun == _AT_ONCE:
                break
            if isinstance(decision := decided(member), Act):
                self._order(draft, instance, member, self._begin(draft.now(instance), member, decision, body))
                decided, begun = self.deciding(draft.now(instance)), begun + 1

    def _order(self, draft: Draft, instance: Instance, member: Member, operation: Operation) -> None:
        """Adds an operation to a draft; it is carried once it is committed."""
        has_restart = instance.has_restart
        turn = ordered(member, operation.action, operation.id, operation.created_at, has_restart_script=has_restart)
        draft.take(instance, member, turn)
        draft.writes.append(partial(add_row, operation=operation))
        draft.afterwards.append(partial(self._carry, operation))

    def _carry(self, operation: Operation) -> None:
        told = (operation.kind, operation.name, operation.host, operation.action)
        _log.info("%s %s on %s: %s", *told, extra={"operation_id": operation.id})
        self._operations.carry(operation)

    def _begin(self, instance: Instance, member: Member, act: Act, body: InstanceBody) -> Operation:
        now = self._clock.time()
        return Operation(
            id=uuid.uuid4().hex,
            instance=instance.id,
            member=member.id,
            kind=instance.kind,
            name=instance.name,
            host=member.host,
            action=act.action,
            generation=instance.generation,
            epoch=self._hosts.get(member.host).epoch,
            created_at=now,
            deadline=now + timeout_of(body, act.action) + GRACE,
        )
