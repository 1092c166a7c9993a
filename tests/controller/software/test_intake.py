"""What agents report becomes what is there: committed before it is acknowledged, and only for their own hosts."""

from typing import Any

import pytest

from paas_agent.contract import Change, InstanceReport, Outcome, Status
from paas_controller.base.errors import Retryable
from paas_controller.software.board import Board
from tests.controller.agents import Agent
from tests.controller.shell import MORNING, Shell


@pytest.fixture
async def runs(shell: Shell, joined: Agent) -> Agent:
    """An agent whose host runs one database that nobody heals."""
    await shell.create(joined.host, status={"realtime": "running"}, self_heal="never")
    await joined.sees("running")
    return joined


async def test_a_report_is_acknowledged_only_when_it_is_kept(
    shell: Shell, runs: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Board.commit

    async def fail(self: Board, draft: Any) -> None:
        raise Retryable("disk full", after=3)

    monkeypatch.setattr(Board, "commit", fail)
    change = Change(number=1, type="database", name="db", before="running", after="failed", at=MORNING, cause="exit")
    report = runs.says(changes=[change])
    refused = await runs.send(report)
    assert refused.status == 503
    assert refused.headers["Retry-After"] == "3"
    monkeypatch.setattr(Board, "commit", real)
    assert (await runs.send(report)).status == 202
    assert (await shell.get("/database/status/changed/0628")).body == ["db"]


async def test_the_end_of_the_watched_process_counts_at_once(shell: Shell, runs: Agent) -> None:
    await runs.sees("failed", alive=False, reason="the watched process is gone")
    assert await shell.status() == ("running", "failed")
    listed = (await shell.get("/database/status/changed/0628?detail=true")).body
    assert [(one["cause"], one["reason"]) for one in listed] == [("exit", "the watched process is gone")]


@pytest.fixture
async def secretive(shell: Shell, joined: Agent) -> Agent:
    """An agent whose host runs one database with a password, that nobody heals."""
    await shell.create(joined.host, status={"realtime": "running"}, self_heal="never", metadata={"PASSWD": "MYSQL123"})
    await joined.sees("running")
    return joined


async def _shown(shell: Shell) -> str:
    """All that people can read of the database."""
    pages = ("db", "db/events", "db/operations", "status/changed/0628?detail=true")
    return str([(await shell.get(f"/database/{page}")).body for page in pages])


async def test_a_secret_in_how_an_operation_ended_is_shown_to_nobody(
    shell: Shell, secretive: Agent, caplog: pytest.LogCaptureFixture
) -> None:
    await shell.put("/database/db/restart")
    await secretive.ends(*await secretive.ordered(), "failed", message="restart.sh: MYSQL123 is refused")
    assert (await shell.member())["reason"] == "restart.sh: ****** is refused"
    assert "MYSQL123" not in await _shown(shell) + caplog.text


async def test_a_secret_in_a_change_is_shown_to_nobody(shell: Shell, secretive: Agent) -> None:
    change = Change(number=1, type="database", name="db", before="running", after="failed", at=MORNING, cause="check")
    change.reason = "check 1: MYSQL123 is refused"
    secretive.there["database", "db"] = InstanceReport(type="database", name="db", status="failed", installed=True)
    await secretive.report(changes=[change])
    assert (await shell.member())["reason"] == "check 1: ****** is refused"
    assert "MYSQL123" not in await _shown(shell)


@pytest.mark.parametrize("status", ["failed", "running"])
async def test_a_secret_in_what_is_seen_is_shown_to_nobody(shell: Shell, secretive: Agent, status: Status) -> None:
    await shell.restart()
    for _ in range(2):
        await secretive.sees(status, reason="the pid file of MYSQL123 is not believed")
        assert (await shell.member())["reason"] == "the pid file of ****** is not believed"
    assert "MYSQL123" not in await _shown(shell)


async def test_a_change_and_the_state_after_it_are_one_change(shell: Shell, runs: Agent) -> None:
    change = Change(number=1, type="database", name="db", before="running", after="failed", at=MORNING, cause="check")
    runs.there["database", "db"] = InstanceReport(type="database", name="db", status="failed", installed=True)
    await runs.report(changes=[change])
    assert len((await shell.get("/database/status/changed/0628?detail=true")).body) == 1


async def test_what_an_agent_says_of_instances_that_are_not_on_its_host_is_ignored(shell: Shell, runs: Agent) -> None:
    await shell.create("192.168.19.7:3335", name="elsewhere", status={"realtime": "running"})
    for name in ("elsewhere", "nothing"):
        change = Change(
            number=1, type="database", name=name, before="running", after="failed", at=MORNING, cause="exit"
        )
        outcome = Outcome(operation_id="x", type="database", name=name, action="stop", state="failed", status="failed",
                          installed=True)  # fmt: skip
        runs.there["database", name] = InstanceReport(type="database", name=name, status="failed", installed=True)
        await runs.report(outcome, changes=[change])
    assert await shell.status("elsewhere") == ("running", "running")
    assert (await shell.get("/database/status/changed/0628")).body == []
    assert (await shell.get("/operations/x")).status == 404


async def test_an_outcome_told_twice_counts_once(shell: Shell, runs: Agent) -> None:
    await shell.put("/database/db/stopped")
    action, order = await runs.ordered()
    outcome = await runs.ends(action, order)
    await shell.put("/database/db/running")
    await runs.ordered()
    await runs.report(outcome)
    assert await shell.status() == ("running", "starting")
    assert len((await shell.get("/database/status/changed/0628?detail=true")).body) == 1


async def test_states_crossed_inside_one_operation_are_events_and_no_changes(shell: Shell, runs: Agent) -> None:
    await shell.put("/database/db/stopped")
    await runs.obeys("stop")
    listed = (await shell.get("/database/status/changed/0628?detail=true")).body
    assert [(one["from"], one["to"], one["cause"]) for one in listed] == [("running", "stopped", "action")]
    story = (await shell.get("/database/db/events?limit=2")).body["items"]
    assert [(one["from"], one["to"]) for one in story] == [("stopping", "stopped"), ("running", "stopping")]


async def test_a_restart_without_a_script_crosses_the_states_of_the_seed(shell: Shell, joined: Agent) -> None:
    await shell.create(joined.host, status={"realtime": "running"}, restart="")
    await joined.sees("running")
    await shell.put("/database/db/restart")
    await joined.obeys("restart")
    story = (await shell.get("/database/db/events")).body["items"]
    crossed = [one["to"] for one in reversed(story) if one["cause"] == "action"]
    assert crossed == ["stopping", "stopped", "starting", "running"]
    assert (await shell.get("/database/status/changed/0628")).body == []
