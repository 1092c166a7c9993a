"""Operations of which nothing is heard: how long they may take, also across a restart, and who has the last word."""

from unittest.mock import Mock

import pytest

from paas_agent.contract import Action, Order
from paas_controller.hosts.service import Hosts
from paas_controller.software import reconciler
from tests.controller.agents import Agent, refusing
from tests.controller.shell import Shell, until

pytestmark = pytest.mark.usefixtures("impatient")


async def test_an_order_that_fails_unexpectedly_to_the_end_is_timed_out(
    shell: Shell, starts: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciler, "GRACE", 0.2 - 120)
    monkeypatch.setattr("paas_controller.app.order_for", Mock(side_effect=ZeroDivisionError))
    await shell.put("/database/db/running")
    assert (await shell.ended())["state"] == "timed-out"


async def test_an_operation_whose_outcome_does_not_come_is_timed_out(
    shell: Shell, starts: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciler, "GRACE", 0.2 - 120)
    await shell.put("/database/db/running")
    await starts.ordered()
    ended = await shell.ended()
    assert ended["state"] == "timed-out"
    assert ended["message"] == "start timed out: no outcome came in time"


async def test_an_order_that_cannot_be_brought_is_timed_out_and_says_so(
    shell: Shell, starts: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciler, "GRACE", 0.2 - 120)
    starts.refuses = refusing(503)
    await shell.put("/database/db/running")
    ended = await shell.ended()
    assert ended["state"] == "timed-out"
    assert ended["message"] == f"start timed out: {starts.host} did not confirm the order in time"


async def test_an_outcome_that_comes_after_all_replaces_what_was_assumed(
    shell: Shell, starts: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciler, "GRACE", 0.2 - 120)
    await shell.put("/database/db/running")
    action, order = await starts.ordered()
    await shell.ended()
    await starts.ends(action, order)
    assert (await shell.get(f"/operations/{order.operation_id}")).body["state"] == "succeeded"
    assert (await shell.status())[1] == "running"


async def test_what_is_in_flight_is_taken_up_again_after_a_restart(shell: Shell, starts: Agent) -> None:
    await shell.put("/database/db/running")
    action, order = await starts.ordered()
    before = len(starts.received)
    await shell.restart()
    await until(lambda: len(starts.received) > before, "the order to come again")
    assert starts.received[-1][1] == order
    await starts.ends(action, order)
    assert await shell.status() == ("running", "running")
    assert len(starts.orders) == 1


async def test_an_outcome_while_the_controller_was_down_is_taken_when_it_is_back(shell: Shell, starts: Agent) -> None:
    await shell.put("/database/db/running")
    action, order = await starts.ordered()
    await shell.restart()
    starts.refuses = refusing(503)
    await starts.ends(action, order)
    assert await shell.status() == ("running", "running")


async def test_what_was_over_its_deadline_while_the_controller_was_down_ended_as_its_agent_says(
    shell: Shell, starts: Agent
) -> None:
    await shell.put("/database/db/running")
    action, order = await starts.ordered()
    before = len(starts.received)
    await shell.stop()
    shell.clock.now += 3600
    await shell.start()
    await until(lambda: len(starts.received) > before, "the order to come again")
    await starts.ends(action, order)
    assert await shell.status() == ("running", "running")
    assert (await shell.get(f"/operations/{order.operation_id}")).body["state"] == "succeeded"
    assert [told["to"] for told in (await shell.get("/database/status/changed/0628?detail=true")).body] == ["running"]
    assert len(starts.orders) == 1


async def test_what_nothing_is_heard_of_after_a_restart_is_timed_out_when_the_whole_time_is_over(
    shell: Shell, starts: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciler, "GRACE", 1 - 120)
    await shell.put("/database/db/running")
    await starts.ordered()
    await shell.stop()
    starts.refuses = refusing(503)
    await shell.start()
    ended = await shell.ended()
    assert ended["message"] == f"start timed out: {starts.host} did not confirm the order in time"


@pytest.fixture
async def overdue(
    shell: Shell, starts: Agent, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> tuple[Action, Order]:
    """A start whose deadline has come, and whose agent's next report has the last word."""
    monkeypatch.setattr(reconciler, "GRACE", 0.2 - 120)
    monkeypatch.setattr(Hosts, "patience", 60)
    with caplog.at_level("INFO"):
        await shell.put("/database/db/running")
        ordered = await starts.ordered()
        await until(lambda: "has the last word" in caplog.text, "the deadline")
    return ordered


async def test_an_outcome_that_comes_with_the_next_report_is_not_too_late(
    shell: Shell, starts: Agent, overdue: tuple[Action, Order]
) -> None:
    await starts.ends(*overdue)
    assert (await shell.ended())["state"] == "succeeded"
    assert await shell.status() == ("running", "running")


@pytest.mark.usefixtures("overdue")
async def test_a_report_without_an_outcome_is_the_last_word_as_well(shell: Shell, starts: Agent) -> None:
    await starts.report()
    assert (await shell.ended())["message"] == "start timed out: no outcome came in time"
