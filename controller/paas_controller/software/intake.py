"""What agents say, taken in: outcomes, changes and what is there become turns, committed as one draft a report."""

import random
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import replace
from functools import partial
from typing import Protocol

from paas_agent.contract import (
    Change,
    Check,
    InstanceName,
    InstanceReport,
    Kind,
    OperationState,
    Outcome,
    Report,
    Status,
)  # fmt: skip
from paas_controller.base.clock import Clock
from paas_controller.base.errors import Forbidden
from paas_controller.hosts.host import Host
from paas_controller.hosts.reports import Write
from paas_controller.hosts.service import Hosts
from paas_controller.software import records, turns
from paas_controller.software.board import Board
from paas_controller.software.drafts import Draft, Told
from paas_controller.software.hiding import Hiding
from paas_controller.software.instances import Instance, Name
from paas_controller.software.members import Member, Moment, Moved, Turn
from paas_controller.software.operations import Operation, Operations, end_row

Step = Callable[[Member], Turn]
Ending = tuple[OperationState, str]
"""The state that an operation ended in, and what was said of it."""


class Adopt(Protocol):
    """Makes an agent know an instance that it does not list."""

    def __call__(self, host: Host, instance: Instance, member: Member) -> None: ...


class Intake:
    """Implements what `hosts` asks of a room above: ReportSink and MembersOf."""

    def __init__(
        self, board: Board, operations: Operations, hosts: Hosts, adopt: Adopt, hiding: Hiding, *,
        clock: Clock, dice: random.Random,
    ) -> None:  # fmt: skip
        self._board, self._operations, self._hosts, self._adopt = board, operations, hosts, adopt
        self._hiding, self._clock, self._dice = hiding, clock, dice
        self._doubts: dict[int, int] = {}
        """By member, the check results in a row that spoke against its state."""

    def members_of(self, host: str) -> list[str]:
        return [f"{instance.kind}/{instance.name}" for instance, _ in self._board.on_host(host)]

    def standing_on(self, host: str) -> dict[str, str]:
        """The states of the members there."""
        return {f"{instance.kind}/{instance.name}": member.realtime for instance, member in self._board.on_host(host)}

    async def reported(
        self, host: Host, report: Report, changes: Sequence[Change], keep: Write | None
    ) -> list[InstanceName]:
        await self._hiding.report(host.id, report, changes)
        replaced = bool(host.epoch) and report.epoch != host.epoch
        listed = {(seen.type, seen.name): seen for seen in report.instances}
        missing = self._board.unlisted(host.id, listed.keys()) if report.full else []
        lost = await self._lost(host, missing, replaced=replaced) if missing else frozenset()
        draft = Draft()
        draft.closed = replaced
        flying = {operation.id for operation in self._operations.on_host(host.id)}
        ended = (outcome for outcome in report.outcomes if outcome.operation_id in flying)
        over: dict[str, Ending] = {outcome.operation_id: (outcome.state, outcome.message) for outcome in ended}
        for outcome in report.outcomes:
            self._ended(draft, host, outcome)
        if replaced:
            over |= dict.fromkeys(self._interrupt(draft, host, report.epoch), ("interrupted", _new_journal(host)))
        forgotten = self._board.forgotten(host.id)
        for change in changes:
            if not change.operation_id and (change.type, change.name) not in forgotten:  # else its outcome tells it
                self._take(draft, host, change, partial(self._changed, change=change))
        for name, seen in listed.items():
            if name not in forgotten:
                self._seen(draft, host, name, seen)
        strangers = self._unlisted(draft, host, missing, lost)
        waiting = self._forgotten_there(draft, host, listed.keys()) if report.full else []
        if keep is not None:
            draft.writes.append(keep)
        if draft:
            await self._board.commit(draft)
        self._spread(host, over, strangers)
        for instance in waiting:
            self._board.notify(instance.id)
        return [InstanceName(type=seen.type, name=seen.name) for name, seen in listed.items() if name in forgotten]

    def _spread(self, host: Host, over: Mapping[str, Ending], strangers: Sequence[Instance]) -> None:
        """Tells everybody who waits for what this report said."""
        for identifier, (state, message) in over.items():
            self._operations.over(identifier, state, message)
        self._operations.heard(host.id)
        if host.lost or not host.epoch:
            for instance, _ in self._board.on_host(host.id):
                self._board.notify(instance.id)
        for instance in strangers:
            if member := instance.on(host.id):
                self._adopt(host, instance, member)

    def _take(self, draft: Draft, host: Host, named: Outcome | Change, step: Step) -> None:
        """Applies a step to the member of that name on that host, if there is one."""
        instance = self._board.named(named.type, named.name)
        member = draft.now(instance).on(host.id) if instance else None
        if instance and member:
            draft.take(instance, member, step(member))

    def _moment(self) -> Moment:
        return Moment(self._clock.time(), self._dice.random())

    def _changed(self, member: Member, *, change: Change) -> Turn:
        return turns.changed(member, change, self._moment())

    def _ended(self, draft: Draft, host: Host, outcome: Outcome) -> None:
        draft.writes.append(partial(end_row, host=host.id, outcome=outcome, now=self._clock.time()))
        operation = self._operations.get(outcome.operation_id)

        def step(member: Member) -> Turn:
            if member.operation != outcome.operation_id:
                return Turn(member)
            turn = turns.ended(member, outcome, self._moment())
            if operation is None:
                return turn
            after = turn.member
            if operation.cancelled_by:  # the hold began with the cancelling; a wish since then has ended it
                after = replace(after, cancelled=member.cancelled)
            if outcome.state == "succeeded":
                after = turns.applied(after, outcome.action, operation.generation)
            return replace(turn, member=after)

        self._take(draft, host, outcome, step)
        instance = self._board.named(outcome.type, outcome.name)
        if not instance or not instance.on(host.id):
            return
        if instance.deleting and outcome.action == "uninstall" and outcome.fault == "software":
            draft.put(instance, replace(draft.now(instance), deleting=False))
            kept = Moved("failed", "failed", self._clock.time(), "action", "it is not deleted: its uninstall failed")
            draft.story.append(Told(instance, "", kept))

    def _seen(self, draft: Draft, host: Host, name: Name, seen: InstanceReport) -> None:
        instance = self._board.named(*name)
        member = draft.now(instance).on(host.id) if instance else None
        if instance is None or member is None or turns.known(member, seen):
            return
        operation = self._operations.get(member.operation)
        if seen.operation and operation and operation.id == seen.operation.operation_id:
            operation.progress, operation.state = seen.operation, "running"
        draft.take(instance, member, turns.observed(member, seen, self._moment()))

    def _interrupt(self, draft: Draft, host: Host, epoch: str) -> list[str]:
        """The agent has a new journal: nobody can say any more how the orders of the former one ended."""
        lost = [flying for flying in self._operations.on_host(host.id) if flying.epoch != epoch]
        for operation in lost:
            self._give_up(draft, operation, "interrupted", _new_journal(host))
        return [operation.id for operation in lost]

    async def _lost(self, host: Host, missing: Sequence[Instance], *, replaced: bool) -> Set[int]:
        """The members of which the agent knew more than it does: its journal is new, or the board is out of a backup.

        What it knew it has forgotten on our word alone, so that nobody can say whether it is installed.
        """
        members = [(instance, member) for instance in missing if (member := instance.on(host.id)) is not None]
        if replaced:
            return {member.id for _, member in members}
        installed = [(instance, member) for instance, member in members if member.installed and not member.operation]
        return await self._operations.worked_on(host.epoch, installed) if installed else set()

    def _unlisted(self, draft: Draft, host: Host, missing: Sequence[Instance], lost: Set[int]) -> list[Instance]:
        """The instances that should be on this host and that its agent does not know; what still runs a check finds."""
        strangers = []
        for instance in missing:
            current = self._board.find(instance.id)
            member = draft.now(current).on(host.id) if current else None
            if current is None or member is None or member.operation:
                continue
            if member.id in lost:
                draft.take(current, member, Turn(replace(member, installed=False, alive=None)))
            if member.realtime != "not-installed":
                strangers.append(draft.now(current))
        return strangers

    def _forgotten_there(self, draft: Draft, host: Host, listed: Set[Name]) -> list[Instance]:
        """Crosses off what the agent has forgotten as well; returns the instances that waited for that."""
        forgotten = self._board.forgotten(host.id)
        gone = forgotten - listed
        for kind, name in gone:
            draft.writes.append(partial(records.told, host=host.id, kind=kind, name=name))
        forgotten -= gone
        return [instance for kind, name in gone if (instance := self._board.named(kind, name))]

    async def silent(self, host: Host) -> None:
        draft = Draft()
        for instance, member in self._board.on_host(host.id):
            draft.take(instance, member, turns.silent(member, self._clock.time()))
        if draft:
            await self._board.commit(draft)

    async def give_up(self, operation: Operation, state: OperationState, sentence: str) -> None:
        """The controller takes an operation for ended, because its agent will not say so."""
        draft = Draft()
        self._give_up(draft, operation, state, sentence)
        await self._board.commit(draft)
        self._operations.over(operation.id, state, sentence)

    def _give_up(self, draft: Draft, operation: Operation, state: OperationState, sentence: str) -> None:
        status: Status = "failed"
        outcome = Outcome(
            operation_id=operation.id, type=operation.kind, name=operation.name, action=operation.action, state=state,
            status=status, installed=False, fault=turns.fault_of(state), message=sentence,
        )  # fmt: skip
        draft.writes.append(partial(end_row, host=operation.host, outcome=outcome, now=self._clock.time()))
        instance = self._board.find(operation.instance)
        member = draft.now(instance).member(operation.member) if instance else None
        if instance and member and member.operation == operation.id:
            turn = turns.gave_up(member, state, sentence, self._moment())
            held = member.cancelled if operation.cancelled_by else turn.member.cancelled
            draft.take(instance, member, replace(turn, member=replace(turn.member, cancelled=held)))

    async def check(self, host: str, kind: Kind, name: str, code: str, msg: str) -> None:
        """One check result by itself. One that changes nothing costs no write. NotFound, Forbidden."""
        if not self._doubted(host, kind, name, code):
            return
        said = await self._hiding.text(kind, name, msg)
        instance = self._board.get(kind, name)
        member = instance.on(host)
        if member is None or not self._doubted(host, kind, name, code):
            return
        self._doubts[member.id] = streak = self._doubts.get(member.id, 0) + 1
        result = Check(code=code, msg=said, at=self._clock.time(), streak=streak)
        limits = (instance.check_fall, instance.check_rise)
        turn = turns.checked(member, result, instance.expect, limits, self._moment())
        if turn.story:
            del self._doubts[member.id]
            draft = Draft()
            draft.take(instance, member, turn)
            await self._board.commit(draft)

    def _doubted(self, host: str, kind: Kind, name: str, code: str) -> bool:
        """Whether a check result speaks against the state of its member; those that do must come in a row."""
        member = self._board.get(kind, name).on(host)
        if member is None:
            raise Forbidden(f"{host} is no host of {kind} {name}")
        self._hosts.heard(host)
        agrees = (code == "0") == (member.realtime == "running") and member.realtime != "unknow"
        if agrees or member.operation:
            self._doubts.pop(member.id, None)
        return not agrees and not member.operation


def _new_journal(host: Host) -> str:
    return f"{host.id} has a new journal"
