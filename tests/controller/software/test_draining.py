"""A host that is drained: what runs there is stopped in turn, nothing is brought up, and what is expected stays."""

from dataclasses import replace

import pytest

from paas_controller.software.decide import Act, Decision, Settled, Wait, decide
from paas_controller.software.gates import Gates, line_of
from paas_controller.software.instances import Instance
from paas_controller.software.members import Member
from paas_controller.software.states import Expect, Realtime
from tests.controller.software.members import NOON, busy, member, placed

WHY = "h1:3335 is drained by eve since noon"


def of(known: Member, expect: Expect = "running", **fields: object) -> Decision:
    """The decision for the only member of an instance, on a drained host."""
    instance = Instance(1, "database", "db", expect, (known,), **fields)
    return decide(instance.situation(known, WHY), Gates(), NOON)


def decided(instance: Instance, *hosts: str, dependents: tuple[Instance, ...] = ()) -> list[Decision]:
    """The decisions for all members, when these hosts are drained."""

    def drained(host: str) -> str:
        return f"{host} is drained" if host in hosts else ""

    line = line_of(instance, dependents=dependents, drained=drained)
    return [decide(instance.situation(one, drained(one.host)), line.gates(one), NOON) for one in instance.members]


def running(*states: Realtime, name: str = "db") -> Instance:
    return Instance(1, "database", name, "running", placed(*map(member, states)))


# One member


def test_what_runs_is_stopped_although_running_is_expected() -> None:
    assert of(member("running")) == Act("stop")
    assert of(member("failed", alive=True)) == Act("stop")


@pytest.mark.parametrize("state", ["stopped", "not-installed"])
def test_what_does_not_run_is_left_so_and_says_who_drains(state: Realtime) -> None:
    assert of(member(state)) == Wait(None, WHY)


def test_nothing_is_installed_where_stopped_is_expected_either() -> None:
    assert of(member("not-installed"), "stopped") == Wait(None, WHY)
    assert of(member("failed", installed=False), "stopped") == Wait(None, WHY)
    assert of(member("stopped"), "stopped") == Settled()


def test_what_is_to_go_goes() -> None:
    assert of(member("running"), "not-installed") == Act("stop")
    assert of(member("stopped"), "not-installed") == Act("uninstall")
    assert of(member("not-installed"), "not-installed") == Settled()
    assert of(member("stopped", leaving=True)) == Act("uninstall")


def test_restarts_and_new_installations_wait_until_it_is_over() -> None:
    assert of(member("stopped", restart_wanted=1)) == Wait(None, WHY)
    assert of(member("stopped"), reinstall=2) == Wait(None, WHY)
    assert of(member("stopped"), "stopped", reinstall=2) == Wait(None, WHY)


def test_nothing_is_healed_and_self_heal_keeps_nothing_up() -> None:
    assert of(member("failed", cause="check", alive=True), self_heal="never") == Act("stop")
    assert of(member("failed", installed=False)) == Wait(None, WHY)


def test_a_hold_is_stronger_than_draining() -> None:
    assert of(member("running"), held=True) == Wait(None, "held: hands off until it is released")


def test_an_operation_is_not_broken_off() -> None:
    assert of(busy("stopped", "start")) == Wait(None, "an operation is under way (op)")


def test_of_a_host_that_is_silent_both_are_said() -> None:
    told = of(member("unknow", installed=True))
    assert told == Wait(None, f"the host has not been heard of; nothing is done until it is; {WHY}")


# Several


def test_the_members_on_other_hosts_stay_up() -> None:
    stays, stops, after = decided(running("running", "running", "running"), "h2:3335")
    assert (stays, stops, after) == (Settled(), Act("stop"), Settled())


def test_members_on_drained_hosts_go_down_in_reverse() -> None:
    both = ("h1:3335", "h3:3335")
    first, _, last = decided(running("running", "running", "running"), *both)
    assert (first, last) == (Wait(None, "waits for h3:3335, which is running"), Act("stop"))
    first, _, last = decided(running("running", "running", "stopped"), *both)
    assert (first, last) == (Act("stop"), Wait(None, "h3:3335 is drained"))


def test_what_would_come_up_after_a_drained_one_waits_and_says_why() -> None:
    _, second = decided(running("stopped", "not-installed"), "h1:3335")
    assert second == Wait(None, "waits for h1:3335, which is stopped: h1:3335 is drained")


def test_a_restart_does_not_go_on_past_a_drained_one() -> None:
    first, second = placed(member("stopped"), member("running", restart_wanted=1))
    _, told = decided(Instance(1, "database", "db", "running", (first, second)), "h1:3335")
    assert told == Wait(None, "waits for h1:3335, which goes first and is stopped: h1:3335 is drained")


def test_healing_elsewhere_waits_for_no_drained_host() -> None:
    _, second = decided(running("stopped", "failed"), "h1:3335")
    assert second == Act("restart")


def test_what_depends_on_it_on_a_drained_host_goes_first_and_elsewhere_does_not_count() -> None:
    here, needed = running("running", name="web"), running("running")
    elsewhere = replace(here, members=(replace(here.members[0], host="h9:3335"),))
    [waits] = decided(needed, "h1:3335", dependents=(here,))
    assert waits == Wait(None, "waits for database/web, which depends on it and is running")
    assert decided(needed, "h1:3335", dependents=(elsewhere,)) == [Act("stop")]
    assert decided(needed, "h1:3335", dependents=(running("stopped", name="web"),)) == [Act("stop")]
