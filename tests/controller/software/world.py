"""A small pure world: one instance, a controller that decides for it, and an honest agent on each of its hosts.

Faults come from outside, by the methods of `World`; the agents themselves never lie about what they see.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from paas_agent.contract import Action, Cause, Change, Check, InstanceReport, Outcome, Phase, Progress, Status, judge
from paas_controller.software import turns
from paas_controller.software.decide import Act, Decision, decide
from paas_controller.software.gates import line_of
from paas_controller.software.instances import Instance
from paas_controller.software.members import Member, Moment, Moved, Turn
from paas_controller.software.states import Expect
from tests.controller.software.members import NOON

RESULTS: dict[Action, Status] = {"start": "running", "restart": "running", "stop": "stopped"}


@dataclass
class Agent:
    """What is truly on one host (`up`), and what its agent knows and has yet to tell."""

    watches: bool
    installed: bool = False
    up: bool = False
    status: Status = "not-installed"
    reachable: bool = True
    operation: str = ""
    action: Action = "start"
    phase: Phase = "queued"
    check: Check | None = None
    untold: list[Outcome | Change] = field(default_factory=list)
    ended: set[str] = field(default_factory=set)

    @property
    def alive(self) -> bool | None:
        return self.up if self.watches and self.status in ("running", "failed") else None

    def accept(self, operation: str, action: Action) -> None:
        self.operation, self.action, self.phase, self.check = operation, action, "queued", None

    def finish(self, now: float) -> None:
        """The operation goes well."""
        if self.action == "install":
            self.status, self.installed = "running" if self.up else "stopped", True
        elif self.action == "uninstall":
            self.status, self.installed, self.up = "not-installed", False, False
        else:
            self.status, self.up = RESULTS[self.action], self.action != "stop"
        self._ended("succeeded", "", now)

    def break_off(self, state: str, fault: str, now: float, *, touched: bool, up: bool) -> None:
        """The operation ends otherwise; untouched software stays as it was."""
        if touched:
            self.status, self.up = "failed", up
        self._ended(state, fault, now)

    def _ended(self, state: str, fault: str, now: float) -> None:
        known = {"operation_id": self.operation, "type": "database", "name": "db", "action": self.action}
        left = {"status": self.status, "installed": self.installed, "alive": self.alive}
        self.untold.append(Outcome(**known, **left, state=state, fault=fault, ended_at=now))
        self.ended.add(self.operation)
        self.operation = ""

    def look(self, now: float) -> None:
        """One good or bad check of software at rest, judged as the real agent judges it."""
        if self.operation or not self.installed:
            return
        code = "0" if self.up else "1"
        streak = self.check.streak + 1 if self.check and self.check.code == code else 1
        self.check = Check(code=code, at=now, streak=streak)
        told = judge(self.status, installed=True, alive=self.alive, check=self.check, fall=2, rise=1)
        if told:
            self._changed(told[0], told[1], now)

    def _changed(self, after: Status, cause: Cause, now: float) -> None:
        known = {"number": 1, "type": "database", "name": "db"}
        self.untold.append(Change(**known, before=self.status, after=after, at=now, cause=cause, reason="seen"))
        self.status = after

    def report(self) -> InstanceReport:
        progress = None
        if self.operation:
            progress = Progress(operation_id=self.operation, action=self.action, state="running", phase=self.phase)
        return InstanceReport(
            type="database", name="db", status=self.status, installed=self.installed, alive=self.alive,
            operation=progress,
        )  # fmt: skip


class World:
    """The controller's thinking and what it thinks about. `watch` sees every action before it is ordered."""

    def __init__(self, instance: Instance, agents: list[Agent], watch: Callable[[Instance, Member, Act], None]) -> None:
        self.instance, self.agents, self._watch = instance, agents, watch
        self.now, self.jitter, self._count = NOON, 0.5, 0
        self.story: list[tuple[int, Moved]] = []
        self.changes: list[tuple[int, Moved]] = []

    @property
    def moment(self) -> Moment:
        return Moment(self.now, self.jitter)

    def take(self, member: Member, turn: Turn) -> None:
        self.instance = self.instance.with_member(turn.member)
        self.story += [(member.id, moved) for moved in turn.story]
        self.changes += [(member.id, moved) for moved in turn.changes]

    def agent_of(self, member: Member) -> Agent:
        return self.agents[member.position]

    def decision(self, member: Member) -> Decision:
        gates = line_of(self.instance).gates(member)
        return decide(self.instance.situation(member), gates, self.now)

    def reconcile(self) -> None:
        """One pass: every member is decided on, and what is to be done is ordered."""
        for number in range(len(self.instance.members)):
            member = self.instance.members[number]
            decision = self.decision(member)
            if isinstance(decision, Act):
                self._watch(self.instance, member, decision)
                self._count += 1
                order = turns.ordered(
                    member, decision.action, f"op{self._count}", self.now, has_restart_script=self.instance.has_restart
                )
                self.take(member, order)

    def deliver(self, member: Member) -> None:
        """The order in flight reaches its agent, if it can and the agent is free."""
        agent = self.agent_of(member)
        waiting = member.operation and member.operation not in agent.ended
        if agent.reachable and not agent.operation and waiting and member.action:
            agent.accept(member.operation, member.action)

    def report(self, position: int) -> None:
        """The agent tells all it has to tell: outcomes first, then changes, then what is there."""
        agent = self.agents[position]
        if not agent.reachable:
            return
        for outcome in [told for told in agent.untold if isinstance(told, Outcome)]:
            member = self.instance.members[position]
            if member.operation == outcome.operation_id:
                self.take(member, turns.ended(member, outcome, self.moment))
        for change in [told for told in agent.untold if isinstance(told, Change)]:
            member = self.instance.members[position]
            self.take(member, turns.changed(member, change, self.moment))
        agent.untold.clear()
        member = self.instance.members[position]
        turn = turns.observed(member, agent.report(), self.moment)
        assert turn.member == member or not turns.known(member, agent.report())
        self.take(member, turn)

    def lose(self, position: int) -> None:
        self.agents[position].reachable = False
        member = self.instance.members[position]
        self.take(member, turns.silent(member, self.now))

    def expect(self, expect: Expect) -> None:
        self.instance = replace(self.instance, expect=expect)
        self.for_each(turns.wished)

    def hold(self, held: bool) -> None:
        self.instance = replace(self.instance, held=held)
        if not held:
            self.for_each(turns.wished)

    def for_each(self, step: Callable[[Member], Member]) -> None:
        """What a wish does to every member."""
        self.instance = replace(self.instance, members=tuple(map(step, self.instance.members)))

    def go_on(self) -> None:
        """What goes on all the time: the controller decides, and orders reach the agents that can be reached."""
        self.reconcile()
        for member in self.instance.members:
            self.deliver(member)

    def calm_step(self) -> None:
        """Every host is heard, every operation goes well, every check says what is true."""
        for position, agent in enumerate(self.agents):
            agent.reachable = True
            if agent.operation:
                agent.finish(self.now)
            agent.look(self.now)
            self.report(position)
        self.go_on()
