"""Operations in flight: sent until the agent has them, carried on whatever happens."""

from unittest.mock import DEFAULT, Mock

import msgspec
import pytest
from aiohttp import web

from paas_agent.contract import InstanceReport, Outcome, Progress
from paas_controller.software import members, turns
from paas_controller.software.operations import Operations
from tests.controller.agents import Agent, refusing
from tests.controller.shell import MORNING, Shell, until
from tests.testbeds.stack import until as look_until

pytestmark = pytest.mark.usefixtures("impatient")


@pytest.mark.parametrize("status", [401, 409, 500, 503])
async def test_an_order_is_sent_until_it_is_taken_and_stays_the_same(shell: Shell, starts: Agent, status: int) -> None:
    starts.refuses = refusing(status)
    await shell.put("/database/db/running")
    await until(lambda: len(starts.received) >= 3, "the order to come again")
    starts.refuses = None
    await starts.obeys("start")
    assert len({order.operation_id for _, order in starts.received}) == 1
    assert await shell.status() == ("running", "running")


async def test_an_answer_that_is_none_is_asked_for_again_by_the_same_order(shell: Shell, starts: Agent) -> None:
    starts.refuses = lambda _: web.Response(text="<html>", status=202)
    await shell.put("/database/db/running")
    await until(lambda: len(starts.received) >= 2, "the order to come again")
    starts.refuses = None
    await starts.obeys("start")
    assert len(starts.orders) == 1


async def test_an_order_that_is_refused_for_good_fails_with_the_agents_sentence_and_touches_nothing(
    shell: Shell, starts: Agent
) -> None:
    starts.refuses = refusing(422, "db has no start.sh")
    await shell.put("/database/db/running")
    ended = await shell.ended()
    sentence = "the agent refuses this: db has no start.sh"
    assert (ended["state"], ended["fault"], ended["message"]) == ("failed", "software", sentence)
    assert [told["to"] for told in (await shell.get("/database/status/changed/0628?detail=true")).body] == []
    member = await shell.member()
    assert (member["realtime"], member["failures"], member["reason"]) == ("stopped", 1, sentence)


async def test_what_is_refused_again_and_again_is_held(
    shell: Shell, starts: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "backoff", lambda *_: 0.0)
    starts.refuses = refusing(422, "no start.sh")
    await shell.put("/database/db/running")

    async def tried() -> bool:
        return bool((await shell.member())["failures"] == members.PATIENCE)

    await look_until(tried, "six attempts", 5)
    assert await shell.status() == ("running", "stopped")
    told = "held: failed 6 times, tried every 15 minutes until somebody acts; the agent refuses this: no start.sh"
    assert (await shell.member())["waiting"] == told
    assert len(starts.orders) == 6


async def test_an_order_that_nobody_expected_to_fail_is_tried_again(
    shell: Shell, starts: Agent, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("paas_controller.app.order_for", Mock(side_effect=ZeroDivisionError))
        await shell.put("/database/db/running")
        await until(lambda: caplog.text.count("and is tried again") >= 2, "two attempts")
    await starts.obeys("start")
    assert "ZeroDivisionError" in caplog.text
    assert await shell.status() == ("running", "running")


async def test_an_end_that_nobody_expected_to_fail_is_written_after_all(
    shell: Shell, starts: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts.refuses = refusing(422)
    gave_up = Mock(wraps=turns.gave_up, side_effect=[ZeroDivisionError, DEFAULT])
    monkeypatch.setattr(turns, "gave_up", gave_up)
    await shell.put("/database/db/running")
    assert (await shell.ended())["state"] == "failed"


async def test_the_log_tells_how_each_operation_began_and_ended(
    shell: Shell, starts: Agent, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        await shell.put("/database/db/running")
        _, start = await starts.ordered()
        await starts.ends("start", start)
        await shell.put("/database/db/stopped")
        _, stop = await starts.ordered()
        await starts.ends("stop", stop, "failed", message="no room for it\nall of its output")
    told = [
        (record.levelname, record.getMessage().removeprefix(f"database db on {starts.host}: "), of)
        for record in caplog.records
        if (of := getattr(record, "operation_id", ""))
    ]
    assert told == [
        ("INFO", "start", start.operation_id),
        ("INFO", "start succeeded", start.operation_id),
        ("INFO", "stop", stop.operation_id),
        ("WARNING", "stop failed: no room for it", stop.operation_id),
    ]


async def test_an_order_for_another_journal_is_interrupted(shell: Shell, starts: Agent) -> None:
    starts.refuses = refusing(412, "another journal")
    await shell.put("/database/db/running")
    ended = await shell.ended()
    assert ended["state"] == "interrupted"
    assert starts.host in ended["message"]


async def test_an_end_that_is_stored_is_shown_at_once(
    shell: Shell, starts: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Operations, "over", Mock())
    starts.refuses = refusing(412, "another journal")
    await shell.put("/database/db/running")
    assert (await shell.ended())["state"] == "interrupted"


async def test_every_order_names_the_journal_it_is_meant_for(shell: Shell, starts: Agent) -> None:
    await shell.put("/database/db/running")
    _, order = await starts.ordered()
    assert order.epoch == "first"


async def test_an_operation_that_a_new_journal_does_not_know_is_interrupted(shell: Shell, starts: Agent) -> None:
    await shell.put("/database/db/running")
    _, order = await starts.ordered()
    starts.epoch, starts.sequence = "second", 0
    await starts.report()
    ended = (await shell.get(f"/operations/{order.operation_id}")).body
    assert ended["state"] == "interrupted"
    assert "new journal" in ended["message"]
    await shell.put("/database/db/running")
    action, again = await starts.ordered()
    assert (again.epoch, again.operation_id != order.operation_id) == ("second", True), action


async def test_the_operations_of_a_forgotten_instance_are_dropped_and_not_running_for_ever(
    shell: Shell, starts: Agent
) -> None:
    starts.refuses = refusing(503)
    await shell.put("/database/db/running")
    _, order = await starts.ordered()
    await shell.delete("/database/db?orphan=true")
    ended = (await shell.get(f"/operations/{order.operation_id}")).body
    assert (ended["state"], ended["ended_at"]) == ("interrupted", "2026-06-28T10:00:00.000Z")
    assert "forgotten" in ended["message"]
    starts.refuses = None
    sent = len(starts.received)
    await shell.restart()
    await starts.report()
    assert len(starts.received) == sent


async def test_how_far_an_operation_is_can_be_seen(shell: Shell, starts: Agent) -> None:
    await shell.put("/database/db/running")
    _, order = await starts.ordered()
    progress = Progress(
        operation_id=order.operation_id, action="start", state="running", phase="fetching", bytes_done=1, bytes_total=9,
        started_at=MORNING - 2,
    )  # fmt: skip
    there = InstanceReport(type="database", name="db", status="stopped", installed=True, operation=progress)
    starts.there["database", "db"] = there
    await starts.report()
    shown = (await shell.get(f"/operations/{order.operation_id}")).body
    assert shown["state"] == "running"
    assert shown["progress"] == {"phase": "fetching", "bytes_done": 1, "bytes_total": 9}
    assert shown["started_at"] == "2026-06-28T09:59:58.000Z"


async def test_an_outcome_of_another_hosts_operation_is_not_believed(shell: Shell, starts: Agent) -> None:
    other = Agent(shell)
    await other.start()
    await other.join()
    await shell.put("/database/db/running")
    action, order = await starts.ordered()
    known = {"type": order.type, "name": order.name, "action": action, "operation_id": order.operation_id}
    await other.report(msgspec.convert(known | {"state": "failed", "status": "failed", "installed": True}, Outcome))
    shown = (await shell.get(f"/operations/{order.operation_id}")).body
    assert shown["ended_at"] is None
    assert (await shell.status())[1] == "starting"
    await starts.ends(action, order)
    assert (await shell.status())[1] == "running"
    await other.stop()
