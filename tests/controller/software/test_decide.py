from dataclasses import replace
from itertools import product

import pytest

from paas_agent.contract import Action
from paas_controller.software.decide import Act, Gates, Settled, Situation, Wait, decide
from paas_controller.software.instances import Instance
from paas_controller.software.members import HELD_EVERY, Member
from paas_controller.software.states import EXPECTATIONS, REALTIMES, Expect, Realtime
from paas_controller.software.turns import restart_wished, wished
from tests.controller.software.members import NOON, busy, failed_again, member

CLOSED = Gates(bring_up="bring-up is closed", take_down="take-down is closed", restart="restart is closed")
RUNS = Situation("running", "running", installed=True)
FELL = Situation("running", "failed", installed=True, cause="exit", alive=False)
SLOW = Situation("running", "failed", installed=True, cause="check", alive=True)


def decision(situation: Situation, gates: Gates = Gates()) -> object:  # noqa: B008 - it is frozen
    return decide(situation, gates, NOON)


def of(known: Member, expect: Expect = "running", now: float = NOON, **fields: object) -> object:
    """The decision for the only member of an instance."""
    instance = Instance(1, "database", "db", expect, (known,), **fields)
    return decide(instance.situation(known), Gates(), now)


# What the grid says is done


@pytest.mark.parametrize("expect", EXPECTATIONS)
def test_what_is_there_and_expected_is_settled(expect: Expect) -> None:
    assert decision(Situation(expect, expect, installed=expect != "not-installed")) == Settled()


@pytest.mark.parametrize(
    ("realtime", "expect", "action"),
    [
        ("not-installed", "running", "install"),
        ("not-installed", "stopped", "install"),
        ("stopped", "running", "start"),
        ("stopped", "not-installed", "uninstall"),
        ("running", "stopped", "stop"),
        ("running", "not-installed", "stop"),
    ],
)
def test_a_difference_is_acted_on(realtime: Realtime, expect: Expect, action: str) -> None:
    assert decision(Situation(expect, realtime, installed=realtime != "not-installed")) == Act(action)


def test_running_while_stopped_is_expected_is_drift_and_is_stopped() -> None:
    assert of(member("running"), "stopped") == Act("stop")


def test_an_instance_that_somebody_holds_is_left_as_it_is() -> None:
    told = of(member("running"), "stopped", held=True)
    assert told == Wait(None, "held: hands off until it is released")


def test_leftovers_are_uninstalled_before_nothing_is_there() -> None:
    assert of(member("failed", installed=False), "not-installed") == Act("uninstall")


def test_a_failed_process_that_lives_is_stopped_before_it_is_uninstalled() -> None:
    assert of(member("failed", alive=True), "not-installed") == Act("stop")
    assert of(member("failed", alive=False), "not-installed") == Act("uninstall")


@pytest.mark.parametrize("expect", EXPECTATIONS)
def test_an_unknow_member_waits_for_its_host_whatever_is_expected(expect: Expect) -> None:
    waits = decision(Situation(expect, "unknow", installed=True, restart_due=True))
    assert waits == Wait(None, "the host has not been heard of; nothing is done until it is")


@pytest.mark.parametrize(("realtime", "expect"), list(product(REALTIMES, EXPECTATIONS)))
def test_an_operation_under_way_is_never_broken_off(realtime: Realtime, expect: Expect) -> None:
    waits = decision(Situation(expect, realtime, installed=True, operation="op7", restart_due=True))
    silent = "the host has not been heard of during its operation (op7)"
    assert waits == Wait(None, silent if realtime == "unknow" else "an operation is under way (op7)")


def test_an_expectation_that_changes_during_an_operation_is_decided_on_when_it_ends() -> None:
    starting = busy("stopped", "start")
    assert isinstance(of(starting, "not-installed"), Wait)
    started = replace(starting, realtime="running", operation="")
    assert of(started, "not-installed") == Act("stop")


# When it is tried again


def test_what_failed_waits_for_its_next_attempt_and_says_why() -> None:
    failed = failed_again(member("stopped"), "software", 0)
    assert of(failed) == Wait(NOON + 1, "it did not start")
    assert of(failed, now=NOON + 1) == Act("restart")


def test_a_held_member_says_that_it_is_held_and_until_when() -> None:
    held = member("stopped")
    for _ in range(6):
        held = failed_again(held, "software", 0)
    waits = of(held)
    assert isinstance(waits, Wait)
    assert waits.until == NOON + 900
    assert waits.why.startswith("held: failed 6 times")
    assert of(wished(held)) == Act("restart")


def test_a_cancelled_operation_holds_its_member_until_a_new_wish() -> None:
    cancelled = member("failed", cancelled=True)
    assert of(cancelled) == Wait(None, "its operation was cancelled; it waits for a new wish")
    assert of(wished(cancelled)) == Act("restart")


def test_a_host_that_nothing_can_be_sent_to_is_waited_for() -> None:
    assert decision(replace(FELL), Gates(host="h1 has no token")) == Wait(None, "h1 has no token")


# Restart


def test_a_wanted_restart_is_done_once() -> None:
    wanted = restart_wished(member("running"))
    assert of(wanted) == Act("restart")
    assert of(replace(wanted, restart_done=wanted.restart_wanted)) == Settled()


@pytest.mark.parametrize("expect", ["stopped", "not-installed"])
def test_a_restart_is_not_done_where_running_is_not_expected(expect: Expect) -> None:
    assert decision(Situation(expect, expect, installed=True, restart_due=True)) == Settled()


def test_a_restart_that_could_not_be_fetched_is_tried_again_after_its_wait() -> None:
    waits = replace(RUNS, restart_due=True, retry_at=NOON + 2, reason="the repository answers 503")
    assert decision(waits) == Wait(NOON + 2, "the repository answers 503")
    assert decide(waits, Gates(), NOON + 2) == Act("restart")


def test_what_waits_for_longer_than_anything_is_put_off_waits_by_a_clock_that_was_set_back_and_is_due() -> None:
    waits = replace(FELL, retry_at=NOON + HELD_EVERY, reason="held")
    assert decision(waits) == Wait(NOON + HELD_EVERY, "held")
    assert decide(waits, Gates(), NOON - 1) == Act("restart")
    assert decide(waits, Gates(), NOON - 3600) == Act("restart")


# Healing


@pytest.mark.parametrize("situation", [FELL, SLOW, replace(SLOW, alive=None), replace(FELL, cause="action")])
def test_self_heal_always_restarts_whatever_failed(situation: Situation) -> None:
    assert decision(replace(situation, self_heal="always")) == Act("restart")


@pytest.mark.parametrize("situation", [FELL, replace(FELL, cause="check"), replace(FELL, alive=None)])
def test_self_heal_exit_restarts_what_was_seen_to_end(situation: Situation) -> None:
    assert decision(replace(situation, self_heal="exit")) == Act("restart")


@pytest.mark.parametrize("situation", [SLOW, replace(SLOW, alive=None), replace(SLOW, cause="action")])
def test_self_heal_exit_leaves_alone_what_is_only_slow(situation: Situation) -> None:
    waits = decision(replace(situation, self_heal="exit"))
    assert waits == Wait(None, "self_heal is exit, and its process was not seen to end: it is left alone")


def test_self_heal_exit_tries_a_failed_start_again() -> None:
    assert decision(replace(FELL, self_heal="exit", cause="action", alive=None)) == Act("restart")


@pytest.mark.parametrize("situation", [FELL, SLOW])
def test_self_heal_never_leaves_alone_what_failed_by_itself(situation: Situation) -> None:
    waits = decision(replace(situation, self_heal="never"))
    assert waits == Wait(None, "self_heal is never: it waits for somebody to restart it")


def test_self_heal_never_still_tries_again_what_a_person_asked_for() -> None:
    assert decision(replace(FELL, self_heal="never", cause="action")) == Act("restart")


@pytest.mark.parametrize("self_heal", ["exit", "never"])
def test_a_wanted_restart_is_done_whatever_self_heal_says(self_heal: str) -> None:
    assert decision(replace(SLOW, self_heal=self_heal, restart_due=True)) == Act("restart")


@pytest.mark.parametrize("expect", ["stopped", "not-installed"])
def test_taking_down_what_failed_is_no_healing(expect: Expect) -> None:
    assert decision(replace(SLOW, expect=expect, self_heal="never")) == Act("stop")


# Gates


@pytest.mark.parametrize(
    ("situation", "why"),
    [
        (Situation("running", "not-installed"), "bring-up is closed"),
        (Situation("running", "stopped", installed=True), "bring-up is closed"),
        (Situation("running", "failed"), "bring-up is closed"),
        (Situation("stopped", "running", installed=True), "take-down is closed"),
        (Situation("not-installed", "stopped", installed=True), "take-down is closed"),
        (replace(RUNS, restart_due=True), "restart is closed"),
    ],
)
def test_bring_up_take_down_and_restart_wait_at_their_gates(situation: Situation, why: str) -> None:
    assert decision(situation, CLOSED) == Wait(None, why)


@pytest.mark.parametrize("situation", [FELL, SLOW, replace(FELL, cause="action"), replace(SLOW, restart_due=True)])
def test_healing_waits_at_no_gate(situation: Situation) -> None:
    assert decision(situation, CLOSED) == Act("restart")


def test_what_is_settled_waits_at_no_gate() -> None:
    assert decision(RUNS, CLOSED) == Settled()


@pytest.mark.parametrize(
    ("realtime", "expect"), [("running", "running"), ("stopped", "stopped"), ("failed", "running")]
)
def test_what_is_to_be_reinstalled_is_installed_over_what_is_there(realtime: Realtime, expect: Expect) -> None:
    assert decision(Situation(expect, realtime, installed=True, reinstall_due=True)) == Act("install")


@pytest.mark.parametrize(
    ("realtime", "expect", "action"), [("running", "stopped", "stop"), ("stopped", "not-installed", "uninstall")]
)
def test_a_reinstall_keeps_nothing_from_going_down(realtime: Realtime, expect: Expect, action: Action) -> None:
    assert decision(Situation(expect, realtime, installed=True, reinstall_due=True)) == Act(action)


def test_members_are_reinstalled_one_after_the_other() -> None:
    due = Situation("running", "running", installed=True, reinstall_due=True)
    assert decide(due, Gates(restart="waits for h1"), 0.0) == Wait(None, "waits for h1")
