from dataclasses import replace

import pytest

from paas_agent.contract import Action, Change, Check, Phase
from paas_controller.software.members import Member
from paas_controller.software.turns import (
    changed,
    checked,
    ended,
    gave_up,
    known,
    observed,
    ordered,
    progressed,
    restart_wished,
    silent,
    wished,
)
from tests.controller.software.members import NOON, at, busy, listed, member, outcome, seen, steps

SEED_RESTART = [("running", "stopping"), ("stopping", "stopped"), ("stopped", "starting"), ("starting", "running")]
GOOD, BAD = Check(code="0", msg="fine"), Check(code="7", msg="no answer", streak=2)


def told(before: str, after: str, cause: str = "check", seconds: float = 0.0) -> Change:
    return Change(number=1, type="database", name="db", before=before, after=after, at=NOON + seconds, cause=cause)


# Operations


@pytest.mark.parametrize(
    ("before", "action", "doing"),
    [
        ("not-installed", "install", "installing"),
        ("stopped", "start", "starting"),
        ("running", "stop", "stopping"),
        ("running", "restart", "restarting"),
        ("stopped", "uninstall", "uninstalling"),
    ],
)
def test_an_order_puts_a_member_in_between_and_on_no_list(before: str, action: Action, doing: str) -> None:
    turn = ordered(member(before), action, "op", NOON, has_restart_script=True)
    assert (turn.member.realtime, turn.member.operation, turn.member.stable) == (doing, "op", before)
    assert steps(turn) == [(before, doing)]
    assert not turn.changes


def test_what_ordered_a_heal_is_told_with_the_order() -> None:
    broken = member("failed", reason="check 7: no answer")
    turn = ordered(broken, "restart", "op", NOON, has_restart_script=True)
    assert turn.story[0].sentence == "restart ordered after: check 7: no answer"


def test_an_operation_that_went_well_is_a_change_from_stable_to_stable() -> None:
    turn = ended(busy("stopped", "start"), outcome("start", alive=True), at(3))
    assert steps(turn) == [("starting", "running")]
    assert listed(turn) == [("stopped", "running")]
    assert (turn.member.operation, turn.member.action, turn.member.route) == ("", "", ())
    assert (turn.member.alive, turn.member.settled_at) == (True, NOON + 3)


def test_an_install_that_finds_it_running_is_running_and_needs_no_start() -> None:
    turn = ended(busy("not-installed", "install"), outcome("install", status="running", installed=True), at(3))
    assert (turn.member.realtime, turn.member.installed) == ("running", True)
    assert listed(turn) == [("not-installed", "running")]


def test_a_failed_operation_is_failed_with_its_reason() -> None:
    turn = ended(busy("stopped", "start"), outcome("start", "failed", message="start.sh ended with exit code 3"), at())
    assert (turn.member.realtime, turn.member.reason) == ("failed", "start.sh ended with exit code 3")
    assert turn.changes[0].sentence == "start.sh ended with exit code 3"
    assert listed(turn) == [("stopped", "failed")]


@pytest.mark.parametrize(
    ("before", "action"),
    [("not-installed", "install"), ("stopped", "start"), ("running", "restart"), ("running", "stop")],
)
def test_what_could_not_be_fetched_leaves_the_last_good_state_and_no_change(before: str, action: Action) -> None:
    untouched = outcome(action, "failed", status=before, fault="environment", installed=before != "not-installed")
    turn = ended(busy(before, action), untouched, at())
    assert turn.member.realtime == before
    assert not turn.changes
    assert turn.member.retry_at > NOON


def test_a_cancelled_operation_holds_its_member_until_a_new_wish() -> None:
    cancelled = ended(busy("stopped", "start"), outcome("start", "cancelled"), at()).member
    assert (cancelled.cancelled, cancelled.failures, cancelled.operation) == (True, 0, "")
    assert not wished(cancelled).cancelled


def test_a_cancelled_restart_is_not_done_at_the_next_wish_and_one_wanted_since_then_is() -> None:
    asked = replace(busy("running", "restart"), restart_wanted=1, serving=1)
    for off in (ended(asked, outcome("restart", "cancelled"), at()), gave_up(asked, "cancelled", "given up", at())):
        assert wished(off.member).restart_done == 1
        assert restart_wished(off.member).restart_wanted == 2


def test_an_operation_given_up_is_failed_and_what_is_there_comes_with_the_next_report() -> None:
    given_up = gave_up(busy("stopped", "start"), "timed-out", "no outcome came", at())
    assert (given_up.member.realtime, given_up.member.operation) == ("failed", "")
    assert (given_up.member.failures, given_up.member.obstacles) == (0, 1)
    assert observed(given_up.member, seen("running"), at(5)).member.realtime == "running"


@pytest.mark.parametrize(
    ("before", "action"),
    [("not-installed", "install"), ("stopped", "start"), ("running", "restart"), ("failed", "restart")],
)
def test_what_its_agent_will_never_take_leaves_the_last_state_and_no_change(before: str, action: Action) -> None:
    turn = gave_up(busy(before, action, cause="check"), "failed", "the agent refuses this", at())
    known = turn.member
    assert (known.realtime, known.operation, known.cause) == (before, "", "check")
    assert (known.reason, known.failures, known.obstacles) == ("the agent refuses this", 1, 0)
    assert not turn.changes


# Restart


def test_a_restart_with_a_script_shows_restarting_and_then_running() -> None:
    turn = ordered(member("running"), "restart", "op", NOON, has_restart_script=True)
    turn = turn.then(ended(turn.member, outcome("restart"), at(2)))
    assert steps(turn) == [("running", "restarting"), ("restarting", "running")]


def test_a_restart_without_a_script_crosses_the_states_of_the_seed() -> None:
    turn = ordered(member("running"), "restart", "op", NOON, has_restart_script=False)
    turn = turn.then(progressed(turn.member, "starting", NOON + 1))
    turn = turn.then(ended(turn.member, outcome("restart"), at(2)))
    assert steps(turn) == SEED_RESTART


def test_a_restart_of_which_nothing_was_seen_crosses_the_same_states() -> None:
    turn = ordered(member("running"), "restart", "op", NOON, has_restart_script=False)
    turn = turn.then(ended(turn.member, outcome("restart"), at(2)))
    assert steps(turn) == SEED_RESTART


@pytest.mark.parametrize("script", [True, False])
def test_a_restart_that_ends_in_running_changed_nothing(script: bool) -> None:
    turn = ordered(member("running"), "restart", "op", NOON, has_restart_script=script)
    turn = turn.then(progressed(turn.member, "starting", NOON + 1))
    turn = turn.then(ended(turn.member, outcome("restart"), at(2)))
    assert not turn.changes


def test_a_restart_wanted_twice_while_one_waits_is_one() -> None:
    once = restart_wished(member("running"))
    assert restart_wished(once) == once
    assert once.restart_wanted == once.restart_done + 1


def test_a_restart_wanted_while_one_runs_is_another_one() -> None:
    runs = ordered(restart_wished(member("running")), "restart", "op", NOON, has_restart_script=True).member
    again = restart_wished(restart_wished(runs))
    assert again.restart_wanted == 2
    assert ended(again, outcome("restart"), at(2)).member.restart_done == 1


def test_a_start_serves_a_restart_that_was_wanted_before_it() -> None:
    waits = restart_wished(member("stopped"))
    started = ordered(waits, "start", "op", NOON, has_restart_script=True).member
    assert ended(started, outcome("start"), at(2)).member.restart_done == 1


@pytest.mark.parametrize("state", ["failed", "timed-out", "interrupted"])
def test_a_restart_that_did_not_go_well_is_still_wanted(state: str) -> None:
    runs = ordered(restart_wished(member("running")), "restart", "op", NOON, has_restart_script=True).member
    assert ended(runs, outcome("restart", state), at(2)).member.restart_done == 0


@pytest.mark.parametrize("action", ["install", "stop"])
def test_only_a_start_or_a_restart_serves_a_wanted_restart(action: Action) -> None:
    runs = ordered(restart_wished(member("running")), action, "op", NOON, has_restart_script=True).member
    assert ended(runs, outcome(action), at(2)).member.restart_done == 0


# Reports during an operation


@pytest.mark.parametrize(
    ("phase", "shown"),
    [("queued", "stopping"), ("fetching", "stopping"), ("starting", "starting"), ("checking", "starting")],
)
def test_progress_is_shown_as_far_as_it_is_and_never_backwards(phase: Phase, shown: str) -> None:
    runs = busy("running", "restart", restart_script=False)
    turn = observed(runs, seen("running", phase), at(1))
    assert turn.member.realtime == shown
    assert not observed(turn.member, seen("running", "stopping"), at(2)).story


def test_during_an_operation_nothing_but_its_own_progress_counts() -> None:
    runs = busy("running", "restart")
    assert observed(runs, seen("failed"), at()).member == runs
    assert observed(runs, seen("running", "checking", operation="another"), at()).member == runs
    assert checked(runs, BAD, "running", (1, 1), at()).member == runs
    lost = silent(runs, NOON + 15).member
    assert checked(lost, GOOD, "running", (1, 1), at(20)).member == lost
    assert changed(runs, told("running", "failed"), at()).member == runs


def test_an_operation_that_somebody_else_ordered_is_waited_for() -> None:
    stands = member("stopped")
    assert observed(stands, seen("running", "starting", operation="by hand"), at()).member == stands


# Observations at rest


def test_a_failed_check_where_running_is_expected_is_failed_with_what_it_said() -> None:
    turn = checked(member("running"), BAD, "running", (2, 1), at(5))
    assert (turn.member.realtime, turn.member.cause, turn.member.reason) == ("failed", "check", "check 7: no answer")
    assert listed(turn) == [("running", "failed")]


def test_one_failed_check_is_not_yet_a_fall() -> None:
    first = Check(code="7", streak=1)
    assert checked(member("running"), first, "running", (2, 1), at()).member == member("running")


def test_a_failed_check_where_stopped_is_expected_confirms_stopped() -> None:
    stands = member("stopped")
    assert checked(stands, BAD, "stopped", (1, 1), at()).member == stands


def test_a_good_check_of_what_was_stopped_is_drift() -> None:
    turn = checked(member("stopped"), GOOD, "stopped", (2, 1), at())
    assert listed(turn) == [("stopped", "running")]
    assert turn.changes[0].why == "check"


def test_a_watched_process_that_ended_counts_at_once() -> None:
    turn = checked(member("running", alive=False), Check(code="0"), "running", (100, 100), at())
    assert (turn.member.realtime, turn.member.cause) == ("failed", "exit")


@pytest.mark.parametrize("stands", [member("not-installed"), member("failed", installed=False)])
def test_what_is_not_installed_has_no_checks(stands: object) -> None:
    assert checked(stands, GOOD, "not-installed", (1, 1), at()).member == stands


def test_a_change_that_the_agent_saw_counts_from_the_moment_it_was_seen() -> None:
    turn = changed(member("running"), told("running", "failed", "exit", seconds=-40), at())
    assert [(moved.at, moved.why) for moved in turn.changes] == [(NOON - 40, "exit")]


def test_a_report_that_says_what_is_known_changes_nothing() -> None:
    stands = member("running", alive=True)
    assert observed(stands, seen("running", alive=True), at(5)).member == stands


@pytest.mark.parametrize("status", ["running", "stopped", "failed", "not-installed"])
@pytest.mark.parametrize("stands", [member("running", alive=True), member("stopped"), member("unknow")])
def test_a_report_is_known_just_when_it_changes_nothing(stands: Member, status: str) -> None:
    for report in (seen(status), seen(status, alive=True), seen(status, alive=False)):
        assert known(stands, report) == (observed(stands, report, at(5)).member == stands)


def test_a_report_of_an_operation_and_one_during_an_operation_are_always_looked_at() -> None:
    assert not known(member("running"), seen("running", "checking"))
    assert not known(busy("stopped", "start"), seen("stopped"))
