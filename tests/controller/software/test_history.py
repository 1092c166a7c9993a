"""Looking back by HTTP: changed lists, the story, operations."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from paas_agent.contract import Change
from paas_controller.software import history
from tests.controller.agents import Agent
from tests.controller.shell import MORNING, Shell

DAY = 86400.0


def change(number: int, name: str = "db", before: str = "running", after: str = "failed", **more: Any) -> Change:
    known = {"type": "database", "name": name, "at": MORNING - 60 + number, "cause": "check", "reason": "check 1"}
    return Change(**known | {"number": number, "before": before, "after": after} | more)


@pytest.fixture
async def shell(tmp_path: Path) -> AsyncIterator[Shell]:
    """A controller that does not notice silence while the test turns its calendar."""
    shell = Shell(tmp_path / "data", settings={"report_interval": 300})
    await shell.start()
    yield shell
    await shell.stop()


@pytest.fixture
async def three(shell: Shell, joined: Agent) -> Agent:
    """An agent with three databases that run and that nobody heals."""
    for name in ("db", "db2", "db3"):
        await shell.create(joined.host, name=name, status={"realtime": "running"}, self_heal="never")
    return joined


async def _changed(shell: Shell, day: str = "0628") -> Any:
    answer = await shell.get(f"/database/status/changed/{day}")
    assert answer.status == 200, answer.body
    return answer.body


async def test_each_name_is_listed_once_in_the_order_of_its_first_change(shell: Shell, three: Agent) -> None:
    assert await _changed(shell) == []
    back = {"before": "failed", "after": "running"}
    told = [change(3, "db2"), change(4), change(5, "db2", **back), change(6, "db3"), change(7, **back), change(8)]
    await three.report(changes=told, full=False)
    assert await _changed(shell) == ["db2", "db", "db3"]
    assert (await shell.get("/middleware/status/changed/0628")).body == []


async def test_a_change_told_late_stands_where_it_happened(shell: Shell, three: Agent) -> None:
    await three.report(changes=[change(9, "db2")], full=False)
    await three.report(changes=[change(10, "db", at=MORNING - 59)], full=False)
    assert await _changed(shell) == ["db", "db2"]


async def test_a_day_is_told_in_detail(shell: Shell, three: Agent) -> None:
    await three.report(changes=[change(3)], full=False)
    assert await _changed(shell, "0628?detail=true") == [
        {"name": "db", "host": three.host, "from": "running", "to": "failed", "at": "2026-06-28T09:59:03.000Z",
         "cause": "check", "reason": "check 1"},
    ]  # fmt: skip


async def test_a_day_can_be_asked_by_cause(shell: Shell, three: Agent) -> None:
    await three.report(changes=[change(1), change(2, "db2", cause="exit")], full=False)
    assert await _changed(shell, "0628?cause=check") == ["db"]
    assert await _changed(shell, "0628?cause=exit") == ["db2"]
    refused = await shell.get("/database/status/changed/0628?cause=weather")
    assert refused.status == 400
    assert "check" in refused.message


async def test_what_was_done_is_on_the_list_too(shell: Shell, three: Agent) -> None:
    await shell.put("/database/db/stopped")
    await three.obeys("stop")
    assert await _changed(shell, "0628?cause=action") == ["db"]
    assert await _changed(shell, "0628?cause=silence") == []


async def test_a_restart_that_ends_in_running_changed_nothing(shell: Shell, three: Agent) -> None:
    await shell.put("/database/db/restart")
    await three.obeys("restart")
    assert await _changed(shell) == []


async def test_the_month_and_day_mean_the_latest_such_day(shell: Shell, three: Agent) -> None:
    await three.report(changes=[change(1)], full=False)
    for days, listed in ((0, ["db"]), (364, ["db"]), (365, [])):
        shell.clock.now = MORNING + days * DAY
        assert await _changed(shell, "0628") == listed, days
    assert await _changed(shell, "2026-06-28") == ["db"]
    assert await _changed(shell, "0629") == []


async def test_the_29th_of_february_means_the_last_leap_day(shell: Shell, joined: Agent) -> None:
    shell.clock.now = datetime(2028, 2, 29, 12, tzinfo=UTC).timestamp()
    await joined.report()
    await shell.create(joined.host, status={"realtime": "running"}, self_heal="never")
    await joined.report(changes=[change(1, at=shell.clock.now)], full=False)
    shell.clock.now += 300 * DAY
    assert await _changed(shell, "0229") == ["db"]


@pytest.mark.parametrize(
    "wrong",
    ["628", "06280", "0631", "0000", "1301", "2026-02-29", "2026-6-28", "20260628", "today", "06-28",
     "%D9%A0%D9%A6%D9%A2%D9%A8"],
)  # fmt: skip
async def test_what_names_no_day_is_a_400(shell: Shell, wrong: str) -> None:
    refused = await shell.get(f"/database/status/changed/{wrong}")
    assert refused.status == 400
    assert "MMDD" in refused.message


async def test_deleted_instances_stay_on_the_lists_and_their_story_is_told(shell: Shell, three: Agent) -> None:
    await three.report(changes=[change(1)], full=False)
    await shell.delete("/database/db?orphan=true")
    assert await _changed(shell) == ["db"]
    assert (await shell.get("/database/db/events")).body["items"][0]["to"] == "failed"
    await shell.restart()
    assert await _changed(shell) == ["db"]


@pytest.fixture
async def far_east(tmp_path: Path) -> AsyncIterator[Agent]:
    shell = Shell(tmp_path / "data", settings={"time_zone": "Asia/Shanghai", "report_interval": 300})
    await shell.start()
    agent = Agent(shell)
    await agent.start()
    await agent.join()
    yield agent
    await agent.stop()
    await shell.stop()


async def test_days_are_those_of_the_controllers_zone(far_east: Agent) -> None:
    shell = far_east.shell
    await shell.create(far_east.host, status={"realtime": "running"}, self_heal="never")
    midnight = datetime(2026, 6, 28, 16, tzinfo=UTC).timestamp()
    shell.clock.now = midnight + 60
    await far_east.report(changes=[change(1, at=midnight - 1)], full=False)
    await far_east.report(changes=[change(2, before="failed", after="running", at=midnight)], full=False)
    for day in ("0628", "0629"):
        listed = await _changed(shell, f"{day}?detail=true")
        assert [one["from"] for one in listed] == [{"0628": "running", "0629": "failed"}[day]]


async def test_lists_and_stories_are_kept_400_days(shell: Shell, three: Agent) -> None:
    await three.report(changes=[change(1)], full=False)
    for days, listed in ((399, ["db"]), (402, [])):
        await shell.stop()
        shell.clock.now = MORNING + days * DAY
        await shell.start()
        await shell.put("/database/db2/hold")  # a write after those of the clearing up
        assert await _changed(shell, "2026-06-28") == listed
    assert history.KEPT_DAYS == 400


async def test_the_story_comes_newest_first_in_pages(shell: Shell, joined: Agent) -> None:
    await shell.create(joined.host, status={"expect": "running"})
    await joined.obeys("install", "start")
    page = (await shell.get("/database/db/events?limit=3")).body
    assert [event["to"] for event in page["items"]] == ["running", "starting", "stopped"]
    rest = (await shell.get(f"/database/db/events?cursor={page['next']}")).body
    assert [event["to"] for event in rest["items"]] == ["installing", "not-installed"]
    assert rest["next"] is None
    first = page["items"][0]
    assert first["operation"] == joined.orders[-1][1].operation_id
    assert first["cause"] == "action"
    assert (await shell.get("/database/other/events")).status == 404


async def test_operations_are_shown_while_they_run_and_when_they_ended(shell: Shell, joined: Agent) -> None:
    await shell.create(joined.host, status={"expect": "stopped"})
    action, order = await joined.ordered()
    running = (await shell.get(f"/operations/{order.operation_id}")).body
    assert (running["action"], running["host"], running["ended_at"]) == ("install", joined.host, None)
    assert running["state"] in ("pending", "sent", "running")
    await joined.ends(action, order, "failed", exit_code=3, message="no room")
    ended = (await shell.get("/database/db/operations?limit=1")).body["items"][0]
    assert ended["id"] == order.operation_id
    assert (ended["state"], ended["exit_code"], ended["message"]) == ("failed", 3, "no room")
    assert (await shell.get("/database/other/operations")).status == 404
