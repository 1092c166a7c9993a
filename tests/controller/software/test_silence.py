"""Silence is not death: what is known of a member whose host is not heard of, and what when it is heard again."""

import pytest

from paas_agent.contract import Change, Check
from paas_controller.software.members import Moment
from paas_controller.software.turns import changed, checked, ended, observed, silent
from tests.controller.software.members import NOON, at, busy, listed, member, outcome, seen

BAD = Check(code="7", msg="no answer", streak=2)


def told(before: str, after: str, cause: str = "check", seconds: float = 0.0) -> Change:
    return Change(number=1, type="database", name="db", before=before, after=after, at=NOON + seconds, cause=cause)


def test_silence_makes_a_member_unknow_and_nothing_else() -> None:
    turn = silent(member("running", alive=True), NOON + 15)
    assert (turn.member.realtime, turn.member.installed, turn.member.alive) == ("unknow", True, True)
    assert listed(turn) == [("running", "unknow")]
    assert silent(turn.member, NOON + 30).member == turn.member


def test_a_silent_host_keeps_its_operation_and_shows_it_again_when_it_is_heard() -> None:
    lost = silent(busy("stopped", "start"), NOON + 15).member
    assert (lost.realtime, lost.operation) == ("unknow", "op")
    assert observed(lost, seen("stopped", "starting"), at(20)).member.realtime == "starting"
    assert listed(ended(lost, outcome("start"), at(20))) == [("unknow", "running")]


def test_a_restart_heard_again_while_it_is_checked_is_starting() -> None:
    lost = silent(busy("running", "restart", restart_script=False), NOON + 15).member
    assert observed(lost, seen("running", "checking"), at(20)).member.realtime == "starting"


def test_when_it_is_heard_again_it_says_what_is_there() -> None:
    lost = silent(member("running"), NOON + 15).member
    assert listed(observed(lost, seen("stopped"), at(20))) == [("unknow", "stopped")]


def test_what_happened_in_the_silence_is_told_in_one_chain() -> None:
    lost = silent(member("running"), NOON + 15).member
    turn = changed(lost, told("running", "failed", "exit", seconds=10), at(20))
    assert listed(turn) == [("unknow", "running"), ("running", "failed")]
    assert (turn.member.realtime, turn.member.cause, turn.member.failures) == ("failed", "exit", 1)


@pytest.mark.parametrize("cause", ["action", "exit", "check"])
def test_silence_does_not_change_what_made_it_fail(cause: str) -> None:
    lost = silent(member("failed", cause=cause), NOON + 15).member
    assert observed(lost, seen("failed"), at(20)).member.cause == cause
    assert checked(lost, BAD, "running", (1, 1), at(20)).member.cause == cause


def test_what_ran_before_the_silence_and_is_failed_after_it_was_found_so_by_a_check() -> None:
    lost = silent(member("running", cause="action"), NOON + 15).member
    assert observed(lost, seen("failed"), at(20)).member.cause == "check"
    assert observed(lost, seen("failed", alive=False), at(20)).member.cause == "exit"


@pytest.mark.parametrize(("code", "expect", "after"), [
    ("0", "stopped", "running"), ("1", "stopped", "stopped"), ("1", "running", "failed"), ("0", "running", "running"),
])  # fmt: skip
def test_one_check_is_enough_to_know_an_unknow_member_again(code: str, expect: str, after: str) -> None:
    lost = silent(member("running"), NOON + 15).member
    assert checked(lost, Check(code=code), expect, (5, 5), Moment(NOON + 20)).member.realtime == after


def test_what_came_back_is_told_as_a_report_and_not_as_found_by_a_check() -> None:
    lost = silent(member("running"), NOON + 15).member
    turn = observed(lost, seen("stopped"), at(20))
    assert [(change.before, change.after, change.why) for change in turn.changes] == [("unknow", "stopped", "report")]
