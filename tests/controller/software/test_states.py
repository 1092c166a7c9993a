from typing import get_args

import pytest

from paas_agent.contract import Action
from paas_controller.software.states import (
    DOING,
    EXPECTATIONS,
    IN_BETWEEN,
    REALTIMES,
    STABLE,
    Expect,
    Realtime,
    route,
    summary,
)


def test_the_stable_states_are_the_five_of_the_contract() -> None:
    assert {"not-installed", "running", "stopped", "failed", "unknow"} == STABLE


def test_a_state_in_between_is_what_an_action_is_doing() -> None:
    assert set(DOING.values()) == IN_BETWEEN
    assert set(DOING) == set(get_args(Action))
    assert set(REALTIMES) == STABLE | IN_BETWEEN


def test_only_three_stable_states_can_be_expected() -> None:
    assert set(EXPECTATIONS) == {"running", "stopped", "not-installed"}
    assert set(EXPECTATIONS) < STABLE


@pytest.mark.parametrize("action", get_args(Action))
def test_an_action_with_a_script_crosses_its_own_state(action: Action) -> None:
    assert route(action, has_restart_script=True) == (DOING[action],)


def test_a_restart_without_a_script_crosses_the_states_of_stop_and_start() -> None:
    assert route("restart", has_restart_script=False) == ("stopping", "stopped", "starting")


@pytest.mark.parametrize("state", REALTIMES)
@pytest.mark.parametrize("expect", EXPECTATIONS)
def test_members_that_agree_are_what_their_instance_is(expect: Expect, state: Realtime) -> None:
    assert summary(expect, [state, state]) == state


@pytest.mark.parametrize(
    ("expect", "members", "shown"),
    [
        ("running", ["running", "stopped"], "stopped"),
        ("running", ["running", "starting", "not-installed"], "not-installed"),
        ("running", ["stopped", "installing"], "installing"),
        ("running", ["running", "restarting"], "restarting"),
        ("stopped", ["running", "stopped"], "running"),
        ("stopped", ["stopped", "stopping"], "stopping"),
        ("not-installed", ["not-installed", "uninstalling"], "uninstalling"),
        ("not-installed", ["stopped", "running", "not-installed"], "running"),
    ],
)
def test_members_that_differ_show_the_one_farthest_from_the_expectation(
    expect: Expect, members: list[Realtime], shown: Realtime
) -> None:
    assert summary(expect, members) == shown
    assert summary(expect, reversed(members)) == shown


@pytest.mark.parametrize("expect", EXPECTATIONS)
@pytest.mark.parametrize("state", REALTIMES)
def test_a_failed_member_is_louder_than_any_other_and_an_unknow_one_comes_next(expect: Expect, state: Realtime) -> None:
    assert summary(expect, [state, "unknow", "failed"]) == "failed"
    assert summary(expect, [state, "unknow"]) == ("failed" if state == "failed" else "unknow")
