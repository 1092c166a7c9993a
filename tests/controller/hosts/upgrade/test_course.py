"""Batches, turns and gates, without a host."""

from dataclasses import replace

import pytest

from paas_agent.manifest import Upgraded
from paas_controller.hosts.upgrade import course
from paas_controller.hosts.upgrade.course import FETCH_SECONDS, SETTLE_SECONDS, Course, State

NOW = 1_000_000.0
WAITING = Course("wave", 0, "waiting", "2.0", NOW, "anna")
FETCHING = course.begun(WAITING, 7, {"database/db": "running", "middleware/web": "stopped"}, NOW)
CHECKING = course.told(FETCHING, Upgraded(serial=7, state="done"), NOW)
WELL = {"database/db": "running", "middleware/web": "failed"}


def wave(*states: tuple[int, State]) -> dict[str, Course]:
    return {f"h{number}": replace(WAITING, batch=batch, state=state) for number, (batch, state) in enumerate(states)}


@pytest.mark.parametrize(
    ("hosts", "size", "batches"),
    [("", 2, []), ("a", 2, ["a"]), ("abcdef", 2, ["a", "bc", "de", "f"]), ("abc", 10, ["a", "bc"])],
)
def test_one_host_goes_first_and_then_so_many_at_once(hosts: str, size: int, batches: list[str]) -> None:
    assert course.batches(list(hosts), size) == [list(batch) for batch in batches]


def test_the_next_batch_begins_when_all_of_the_last_one_are_done() -> None:
    assert course.turn(wave((0, "waiting"), (1, "waiting"))) == ["h0"]
    assert course.turn(wave((0, "fetching"), (1, "waiting"))) == []
    assert course.turn(wave((0, "done"), (1, "waiting"), (1, "waiting"), (2, "waiting"))) == ["h1", "h2"]
    assert course.turn(wave((0, "done"), (1, "done"), (1, "checking"), (2, "waiting"))) == []
    assert course.turn(wave((0, "done"))) == []


def test_a_failure_stops_all_whose_turn_has_not_come_and_says_whose_it_was() -> None:
    failing = wave((0, "done"), (1, "failed"), (1, "fetching"), (2, "waiting"))
    stopped = course.stopped(failing, NOW)
    assert {name: each.sentence for name, each in stopped.items()} == {
        "h3": "not begun, because the upgrade of h1 failed"
    }
    assert course.turn(failing) == course.turn(failing | stopped) == []
    assert course.stopped(wave((0, "done"), (1, "waiting")), NOW) == {}


def test_a_host_is_done_when_its_version_is_there_and_what_ran_runs() -> None:
    assert (FETCHING.state, FETCHING.members) == ("fetching", ["database/db"])
    assert CHECKING.state == "checking"
    assert course.looked_at(CHECKING, "2.0", WELL, NOW).state == "done"
    assert course.looked_at(CHECKING, "2.0", {}, NOW).state == "done"  # it was deleted meanwhile


@pytest.mark.parametrize(
    ("version", "members", "sentence"),
    [
        ("2.0", WELL | {"database/db": "failed"}, "version 2.0 is there, but database/db ran and is failed"),
        ("1.0", WELL, "version 2.0 is there, but the host reports 1.0"),
        ("", WELL, "version 2.0 is there, but the host is not heard of"),
    ],
)
def test_what_is_not_as_it_was_is_given_some_time(version: str, members: dict[str, str], sentence: str) -> None:
    assert course.looked_at(CHECKING, version, members, NOW + SETTLE_SECONDS) == CHECKING
    after = course.looked_at(CHECKING, version, members, NOW + SETTLE_SECONDS + 1)
    assert (after.state, after.sentence) == ("failed", sentence)


def test_a_host_that_went_back_or_refused_has_failed_with_its_sentence() -> None:
    for state in ("back", "refused"):
        after = course.told(FETCHING, Upgraded(serial=7, state=state, message="not so"), NOW)
        assert (after.state, after.sentence) == ("failed", "not so")


def test_news_of_another_upgrade_change_nothing() -> None:
    assert course.told(FETCHING, Upgraded(serial=6, state="done"), NOW) == FETCHING
    assert course.told(CHECKING, Upgraded(serial=7, state="back"), NOW) == CHECKING


def test_a_host_of_which_nothing_comes_has_failed_in_the_end_with_what_was_last_said() -> None:
    assert course.looked_at(FETCHING, "1.0", WELL, NOW + FETCH_SECONDS) == FETCHING
    silent = course.looked_at(FETCHING, "1.0", WELL, NOW + FETCH_SECONDS + 1)
    assert silent.sentence == "nothing came of it within 15 min; see journalctl -u paas-agent-upgrade there"
    trying = course.told(FETCHING, Upgraded(serial=7, state="fetching", message="no way to it"), NOW)
    assert trying.state == "fetching"
    late = course.looked_at(trying, "1.0", WELL, NOW + FETCH_SECONDS + 1)
    assert (late.state, late.sentence) == ("failed", "nothing came of it within 15 min: no way to it")


def test_it_is_kept_as_it_is() -> None:
    assert course.read(course.written(CHECKING)) == CHECKING
    assert course.read(course.written(None)) is None
