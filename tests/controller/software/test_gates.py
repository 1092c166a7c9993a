from dataclasses import replace
from typing import Any

import pytest

from paas_controller.software.decide import Gates
from paas_controller.software.gates import line_of
from paas_controller.software.instances import Instance
from paas_controller.software.members import Member
from paas_controller.software.states import EXPECTATIONS, Expect, Realtime
from tests.controller.software.members import busy, member, placed


def gates(expect: Expect, *members: Member, of: int) -> Gates:
    """The gates of the member at this place, counted from 1."""
    row = placed(*members)
    return line_of(instance_of(expect, *row)).gates(row[of - 1])


def instance_of(expect: Expect, *members: Member, **fields: Any) -> Instance:
    known = {"id": 1, "kind": "database", "name": "db", "expect": expect}
    return Instance(**known | fields, members=members)


@pytest.mark.parametrize("expect", EXPECTATIONS)
def test_an_only_member_waits_for_nobody(expect: Expect) -> None:
    assert gates(expect, member("stopped"), of=1) == Gates()


def test_the_first_comes_up_while_the_second_waits_for_it() -> None:
    members = member("stopped"), member("stopped")
    assert gates("running", *members, of=1).bring_up == ""
    assert gates("running", *members, of=2).bring_up == "waits for h1:3335, which is stopped"


def test_the_second_comes_up_when_the_first_runs() -> None:
    assert gates("running", member("running"), member("stopped"), of=2).bring_up == ""


@pytest.mark.parametrize("action", ["start", "restart", "stop"])
def test_a_first_one_that_is_at_work_is_not_there_yet(action: str) -> None:
    told = gates("running", busy("running", action), member("stopped"), of=2).bring_up
    assert told.startswith("waits for h1:3335, which is ")


def test_a_first_one_that_only_passes_through_a_state_is_not_there_either() -> None:
    passing = replace(busy("running", "restart", restart_script=False), realtime="stopped")
    assert gates("stopped", passing, member("not-installed"), of=2).bring_up == "waits for h1:3335, which is stopped"


@pytest.mark.parametrize("state", ["unknow", "failed", "stopped", "not-installed"])
def test_a_predecessor_that_does_not_run_blocks_bring_up_with_a_sentence(state: Realtime) -> None:
    assert gates("running", member(state), member("stopped"), of=2).bring_up == f"waits for h1:3335, which is {state}"


def test_a_held_predecessor_blocks_bring_up_and_says_why_it_is_held() -> None:
    held = member("failed", failures=6, reason="held: failed 6 times; no disk")
    told = gates("running", held, member("stopped"), of=2).bring_up
    assert told == "waits for h1:3335, which is held: failed 6 times; no disk"


def test_where_stopped_is_expected_members_are_installed_in_order() -> None:
    assert gates("stopped", member("stopped"), member("not-installed"), of=2).bring_up == ""
    assert gates("stopped", member("not-installed"), member("not-installed"), of=2).bring_up != ""


def test_members_are_taken_down_in_reverse() -> None:
    members = member("running"), member("running"), member("running")
    assert gates("stopped", *members, of=3).take_down == ""
    assert gates("stopped", *members, of=2).take_down == "waits for h3:3335, which is running"
    assert gates("stopped", *members, of=1).take_down == "waits for h3:3335, which is running"


def test_a_member_goes_down_when_the_one_after_it_is_down_and_idle() -> None:
    assert gates("stopped", member("running"), member("stopped"), of=1).take_down == ""
    assert gates("not-installed", member("running"), member("not-installed"), of=1).take_down == ""
    assert gates("not-installed", member("running"), member("stopped"), of=1).take_down != ""
    assert gates("stopped", member("running"), busy("stopped", "start"), of=1).take_down != ""


@pytest.mark.parametrize("expect", ["stopped", "not-installed"])
def test_an_unknow_member_does_not_block_take_down(expect: Expect) -> None:
    assert gates(expect, member("running"), member("unknow"), of=1).take_down == ""


def test_what_failed_before_it_was_installed_does_not_block_stopping() -> None:
    members = member("running"), member("failed", installed=False)
    assert gates("stopped", *members, of=1).take_down == ""
    assert gates("not-installed", *members, of=1).take_down == "waits for h2:3335, which is failed"


def test_what_failed_and_is_installed_is_stopped_first() -> None:
    assert gates("stopped", member("running"), member("failed"), of=1).take_down != ""


def test_members_restart_one_after_the_other() -> None:
    wanted = member("running", restart_wanted=1)
    assert gates("running", wanted, wanted, of=1).restart == ""
    assert gates("running", wanted, wanted, of=2).restart == "waits for h1:3335, which goes first and is running"
    assert gates("running", replace(wanted, restart_done=1), wanted, of=2).restart == ""


@pytest.mark.parametrize("first", [member("unknow"), member("failed"), busy("running", "restart")])
def test_no_restart_goes_on_to_the_next_while_the_one_before_does_not_run(first: Member) -> None:
    assert gates("running", first, member("running", restart_wanted=1), of=2).restart != ""


def test_why_nothing_can_be_sent_is_handed_through() -> None:
    row = placed(member("stopped"))
    told = line_of(instance_of("running", *row)).gates(row[0], "h1:3335 has not joined")
    assert told.host == "h1:3335 has not joined"
