"""Trying again: what one more failed attempt costs, and when it is forgotten."""

import pytest

from paas_agent.contract import Check
from paas_controller.software.members import HELD_EVERY, LONGEST_WAIT, PATIENCE, QUIET_AFTER, Member, backoff
from paas_controller.software.turns import checked, ended, gave_up, observed, ordered, restart_wished, silent, wished
from tests.controller.software.members import NOON, at, busy, failed_again, member, outcome, seen

BAD = Check(code="7", streak=9)


def after_failures(count: int, fault: str = "software") -> Member:
    known = member("stopped")
    for _ in range(count):
        known = failed_again(known, fault, 0)
    return known


def test_the_numbers_are_those_of_the_contract() -> None:
    assert (PATIENCE, HELD_EVERY, LONGEST_WAIT, QUIET_AFTER) == (6, 15 * 60, 5 * 60, 10 * 60)


def test_the_wait_begins_with_a_second_and_doubles_to_five_minutes() -> None:
    waits = [backoff(attempt, 0.5) for attempt in range(1, 12)]
    assert waits == pytest.approx([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300])
    assert backoff(10**9, 0.5) == pytest.approx(300)
    assert backoff(0, 0.5) == 0


def test_the_dice_keep_a_fleet_from_trying_in_step() -> None:
    waits = [backoff(4, dice / 10) for dice in range(10)]
    assert waits == sorted(set(waits))
    assert min(waits) == pytest.approx(8 * 0.8)
    assert max(waits) < 8 * 1.2


def test_each_failure_of_the_software_waits_longer_than_the_one_before() -> None:
    due = [after_failures(count).retry_at - NOON for count in range(1, PATIENCE)]
    assert due == pytest.approx([1, 2, 4, 8, 16])


@pytest.mark.parametrize("count", [6, 7, 30])
def test_after_six_failures_it_is_tried_every_quarter_of_an_hour_and_said_to_be_held(count: int) -> None:
    held = after_failures(count)
    assert held.held_back
    assert held.retry_at == NOON + 15 * 60
    assert held.reason.startswith(f"held: failed {count} times, tried every 15 minutes until somebody acts; ")
    assert held.reason.endswith("it did not start")


def test_five_failures_are_not_yet_held() -> None:
    assert not after_failures(5).held_back


@pytest.mark.parametrize("count", [6, 50])
def test_what_is_not_the_softwares_fault_is_tried_without_end(count: int) -> None:
    waits = after_failures(count, "environment")
    assert (waits.failures, waits.obstacles, waits.held_back) == (0, count, False)
    assert waits.retry_at - NOON == pytest.approx(min(2 ** (count - 1), 300))
    assert waits.reason == "it did not start"


def test_an_interrupted_operation_is_nobodys_fault() -> None:
    known = ended(busy("stopped", "start"), outcome("start", "interrupted", fault="software"), at()).member
    assert (known.failures, known.obstacles) == (0, 1)


def test_a_timed_out_script_is_the_softwares_fault() -> None:
    known = ended(busy("stopped", "start"), outcome("start", "timed-out", fault="software"), at()).member
    assert (known.failures, known.obstacles) == (1, 0)


def test_an_operation_given_up_may_be_tried_without_end() -> None:
    known = gave_up(busy("stopped", "start"), "timed-out", "no outcome came", at()).member
    assert (known.failures, known.obstacles) == (0, 1)


@pytest.mark.parametrize("act", [wished, restart_wished])
def test_a_person_who_acts_has_it_tried_at_once_and_counted_anew(act: object) -> None:
    known = act(after_failures(7))
    assert (known.failures, known.obstacles, known.retry_at, known.held_back) == (0, 0, 0.0, False)


def test_success_alone_does_not_count_anew() -> None:
    known = ended(busy("stopped", "start", failures=4, obstacles=9), outcome("start"), at()).member
    assert (known.failures, known.obstacles, known.retry_at) == (4, 0, 0.0)


def test_a_fall_soon_after_the_start_is_one_more_failure() -> None:
    known = checked(member("running", failures=2), BAD, "running", (2, 1), at(QUIET_AFTER - 1)).member
    assert known.failures == 3
    assert known.retry_at == pytest.approx(NOON + QUIET_AFTER - 1 + 4)


def test_after_ten_minutes_of_running_a_fall_counts_anew_and_is_healed_at_once() -> None:
    known = checked(member("running", failures=5, obstacles=3), BAD, "running", (2, 1), at(QUIET_AFTER)).member
    assert (known.failures, known.obstacles, known.retry_at) == (0, 0, NOON + QUIET_AFTER)


def test_ten_minutes_of_running_count_also_when_silence_follows() -> None:
    lost = silent(member("running", failures=5, obstacles=3), NOON + QUIET_AFTER).member
    assert observed(lost, seen("failed"), at(QUIET_AFTER + 9)).member.failures == 0
    early = silent(member("running", failures=5), NOON + QUIET_AFTER - 1).member
    assert observed(early, seen("failed"), at(QUIET_AFTER + 9)).member.failures == 5


def test_silence_is_no_failed_attempt() -> None:
    lost = silent(member("running"), NOON + 15).member
    assert observed(lost, seen("failed"), at(20)).member.failures == 0


def test_a_stop_that_does_not_stop_backs_off_and_is_held_in_the_end() -> None:
    known, due = member("running"), []
    for attempt in range(PATIENCE):
        stopped = ended(busy("running", "stop", failures=known.failures), outcome("stop"), at(attempt)).member
        known = checked(stopped, Check(code="0"), "stopped", (2, 1), at(attempt)).member
        assert known.realtime == "running"
        due.append(known.retry_at - NOON - attempt)
    assert due == pytest.approx([1, 2, 4, 8, 16, HELD_EVERY])
    assert known.held_back


def test_a_check_that_comes_and_goes_is_not_a_failed_attempt_each_time() -> None:
    known = member("running", installed=True)
    for seconds in range(0, 120, 10):
        known = observed(known, seen("failed", alive=True), at(seconds)).member
        known = observed(known, seen("running", alive=True), at(seconds + 5)).member
    assert known.failures == 1


def test_each_start_that_falls_again_is_a_failed_attempt() -> None:
    known = member("running", installed=True)
    for seconds in (0, 10, 20):
        known = observed(known, seen("failed", alive=False), at(seconds)).member
        known = ordered(known, "restart", "op", NOON, has_restart_script=True).member
        known = ended(known, outcome("restart"), at(seconds + 5)).member
    assert known.failures == 3
