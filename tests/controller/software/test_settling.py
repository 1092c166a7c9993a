"""Whatever happens, in whatever order: when the faults stop, every member becomes what is expected of it.

Hypothesis plays wishes, faults, silence and time against the pure core, and honest agents answer.
"""

from typing import Literal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from paas_agent.contract import Check, Phase
from paas_controller.software import members, turns
from paas_controller.software.decide import Act, Decision, SelfHeal, Settled, Wait
from paas_controller.software.instances import Instance
from paas_controller.software.members import Member
from paas_controller.software.states import EXPECTATIONS, IN_BETWEEN, STABLE, Expect, Realtime
from tests.controller.software.members import NOON
from tests.controller.software.world import Agent, World

ROUNDS = 60
"""Reports of each host until everything has settled; four members need the most."""
PATIENCE = 4 * 2 * members.HELD_EVERY
"""Seconds in which it has settled: each member may first have to sit out two long waits."""

PHASES: list[Phase] = ["fetching", "stopping", "starting", "restarting", "installing", "uninstalling", "checking"]
ENDS = [
    ("failed", "software"), ("failed", "environment"), ("timed-out", "software"), ("timed-out", "environment"),
    ("cancelled", ""), ("interrupted", "environment"),
]  # fmt: skip
positions = st.integers(0, 3)


class Settling(RuleBasedStateMachine):
    """The rules are the faults and wishes; after each one the controller decides anew."""

    @initialize(
        members=st.lists(st.tuples(st.sampled_from(sorted(STABLE)), st.booleans(), st.booleans()), min_size=1,
                         max_size=4),
        expect=st.sampled_from(EXPECTATIONS),
        self_heal=st.sampled_from(["always", "exit", "never"]),
        restart_script=st.booleans(),
    )  # fmt: skip
    def begin(
        self, members: list[tuple[Realtime, bool, bool]], expect: Expect, self_heal: SelfHeal, restart_script: bool
    ) -> None:
        made = tuple(
            Member(id=n + 1, host=f"h{n + 1}", position=n, realtime=state, stable=state, settled_at=NOON,
                   installed=state in ("running", "stopped", "failed"))
            for n, (state, _, _) in enumerate(members)
        )  # fmt: skip
        instance = Instance(1, "database", "db", expect, made, self_heal=self_heal, has_restart=restart_script)
        agents = [
            Agent(watches, known.installed, up=up, status="stopped" if known.installed else "not-installed")
            for known, (_, watches, up) in zip(made, members, strict=True)
        ]
        self.world = World(instance, agents, _may_be_done)
        self.first = {known.id: known.realtime for known in made}

    def at(self, position: int) -> tuple[Member, Agent]:
        members = self.world.instance.members
        member = members[position % len(members)]
        return member, self.world.agent_of(member)

    # -- people

    @rule(expect=st.sampled_from(EXPECTATIONS))
    def somebody_wishes(self, expect: Expect) -> None:
        self.world.expect(expect)

    @precondition(lambda self: self.world.instance.expect == "running")
    @rule()
    def somebody_wants_a_restart(self) -> None:
        self.world.for_each(turns.restart_wished)

    @rule(held=st.booleans())
    def somebody_holds_or_releases_it(self, held: bool) -> None:
        self.world.hold(held)

    # -- time and the controller

    @rule(seconds=st.sampled_from([0.5, 5.0, 60.0, 400.0, 1000.0]), jitter=st.sampled_from([0.0, 0.5, 0.99]))
    def time_passes(self, seconds: float, jitter: float) -> None:
        self.world.now += seconds
        self.world.jitter = jitter
        self.world.go_on()

    @rule(position=positions, state=st.sampled_from(["timed-out", "interrupted", "cancelled", "failed"]))
    def the_controller_gives_an_operation_up(
        self, position: int, state: Literal["timed-out", "interrupted", "cancelled", "failed"]
    ) -> None:
        member, _ = self.at(position)
        if member.operation:
            self.world.take(member, turns.gave_up(member, state, "no outcome came", self.world.moment))

    # -- agents

    @rule(position=positions, phase=st.sampled_from(PHASES))
    def an_operation_gets_on(self, position: int, phase: Phase) -> None:
        member, agent = self.at(position)
        agent.phase = phase
        self.world.report(member.position)

    @rule(position=positions)
    def an_operation_goes_well(self, position: int) -> None:
        member, agent = self.at(position)
        if agent.operation:
            agent.finish(self.world.now)
        self.world.report(member.position)
        self.world.go_on()

    @rule(position=positions, how=st.sampled_from(ENDS), touched=st.booleans(), up=st.booleans())
    def an_operation_ends_otherwise(self, position: int, how: tuple[str, str], touched: bool, up: bool) -> None:
        member, agent = self.at(position)
        if agent.operation:
            agent.break_off(*how, self.world.now, touched=touched, up=up)
        self.world.report(member.position)
        self.world.go_on()

    @rule(position=positions, times=st.integers(2, 8), up=st.booleans())
    def it_fails_again_and_again(self, position: int, times: int, up: bool) -> None:
        for _ in range(times):
            self.an_operation_ends_otherwise(position, ("failed", "software"), touched=True, up=up)
            self.time_passes(max(0.0, self.at(position)[0].retry_at - self.world.now), 0.5)

    @rule(position=positions, up=st.booleans(), seen=st.booleans())
    def software_ends_or_starts_by_itself(self, position: int, up: bool, seen: bool) -> None:
        member, agent = self.at(position)
        agent.up = up
        if seen:
            agent.look(self.world.now)
            self.world.report(member.position)
            self.world.go_on()

    @rule(position=positions, code=st.sampled_from(["0", "1"]), streak=st.integers(1, 3))
    def a_check_comes_by_itself(self, position: int, code: str, streak: int) -> None:
        member, agent = self.at(position)
        if agent.reachable:
            check = Check(code=code, msg="by hand", streak=streak)
            expect = self.world.instance.expect
            self.world.take(member, turns.checked(member, check, expect, (2, 1), self.world.moment))

    @rule(position=positions)
    def a_host_falls_silent(self, position: int) -> None:
        self.world.lose(self.at(position)[0].position)

    @rule(position=positions)
    def a_host_is_heard_again(self, position: int) -> None:
        member, agent = self.at(position)
        agent.reachable = True
        agent.look(self.world.now)
        self.world.report(member.position)
        self.world.go_on()

    # -- what is always true

    @invariant()
    def a_member_is_in_between_only_while_an_operation_is_in_flight(self) -> None:
        for member in self.world.instance.members:
            if member.operation:
                assert member.realtime in (*member.route, "unknow")
            else:
                assert member.realtime not in IN_BETWEEN
                assert (member.action, member.route) == ("", ())

    @invariant()
    def at_rest_the_state_is_the_last_stable_one(self) -> None:
        for member in self.world.instance.members:
            assert member.stable in STABLE
            if not member.operation or member.realtime == "unknow":
                assert member.stable == member.realtime

    @invariant()
    def no_restart_is_done_that_was_not_wanted(self) -> None:
        for member in self.world.instance.members:
            assert 0 <= member.restart_done <= member.restart_wanted

    @invariant()
    def story_and_changes_are_chains_and_changes_hold_stable_states_only(self) -> None:
        for record in (self.world.story, self.world.changes):
            last = dict(self.first)
            for member, moved in record:
                assert moved.before == last[member]
                assert moved.after != moved.before
                last[member] = moved.after
        assert all({moved.before, moved.after} <= STABLE for _, moved in self.world.changes)

    # -- and in the end

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        self._calm_down()
        if any(_left_alone(decision) for decision in self._decisions()):
            self.world.for_each(turns.restart_wished)
            self._calm_down()
        assert self._decisions() == [Settled()] * len(self.world.agents)
        for member in self.world.instance.members:
            agent = self.world.agent_of(member)
            assert member.realtime == self.world.instance.expect
            assert agent.up == (member.realtime == "running") or not agent.installed
        self.story_and_changes_are_chains_and_changes_hold_stable_states_only()

    def _decisions(self) -> list[Decision]:
        return [self.world.decision(member) for member in self.world.instance.members]

    def _calm_down(self) -> None:
        """The faults stop, and what waits for a person gets its wish; from then on it takes the program alone."""
        world = self.world
        world.calm_step()
        if world.instance.held or any(member.cancelled for member in world.instance.members):
            world.hold(False)
        began, settled = world.now, 0
        for _ in range(ROUNDS):
            world.calm_step()
            decisions = self._decisions()
            settled = settled + 1 if all(map(_at_rest, decisions)) else 0
            if settled == 3:  # two bad checks make a fall
                break
            due = [wait.until for wait in decisions if isinstance(wait, Wait) and wait.until is not None]
            idle = not any(member.operation for member in world.instance.members)
            world.now = max(world.now + 1, min(due)) if due and idle else world.now + 1
        assert world.now - began <= PATIENCE


def _may_be_done(instance: Instance, member: Member, act: Act) -> None:
    """Nothing is done out of silence, nothing twice at once, and nothing out of order."""
    assert member.realtime != "unknow"
    assert not member.operation
    before = [other for other in instance.members if other.position < member.position]
    after = [other for other in instance.members if other.position > member.position]
    if act.action in ("install", "start"):
        assert all(other.realtime == instance.expect and not other.operation for other in before)
    if act.action in ("stop", "uninstall"):
        assert not any(other.realtime == "running" for other in after)


def _left_alone(decision: Decision) -> bool:
    return isinstance(decision, Wait) and decision.why.startswith("self_heal")


def _at_rest(decision: Decision) -> bool:
    return isinstance(decision, Settled) or _left_alone(decision)


TestSettling = Settling.TestCase
TestSettling.settings = settings(max_examples=300, stateful_step_count=60, deadline=None, report_multiple_bugs=False)
