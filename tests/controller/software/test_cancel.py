"""Cancelling an operation: the agent ends it, the member is left alone until a new wish, and no wish is lost."""

import pytest
from aiohttp import web

from tests.controller.agents import Agent
from tests.controller.shell import Answer, Shell, until


@pytest.fixture
async def installing(shell: Shell, joined: Agent) -> Agent:
    """An agent with a database that is being installed."""
    await shell.create(joined.host, status={"expect": "running"})
    await joined.ordered()
    return joined


async def cancel(shell: Shell, agent: Agent, query: str = "") -> Answer:
    return await shell.delete(f"/operations/{agent.orders[-1][1].operation_id}{query}")


async def test_the_agent_is_told_to_end_it_and_the_member_waits_for_a_new_wish(shell: Shell, installing: Agent) -> None:
    answer = await cancel(shell, installing)
    assert (answer.status, answer.body["cancelled_by"]) == (202, "admin")
    await until(lambda: installing.cancelled, "the agent to be told")
    await installing.ends(*installing.orders[0], "cancelled", status="not-installed", installed=False)
    assert (await shell.member())["waiting"] == "its operation was cancelled; it waits for a new wish"
    await shell.put("/database/db/running")
    assert (await installing.ordered())[0] == "install"


async def test_a_wish_between_the_cancelling_and_its_outcome_is_not_lost(shell: Shell, installing: Agent) -> None:
    await cancel(shell, installing)
    await until(lambda: installing.cancelled, "the agent to be told")
    await shell.put("/database/db/running")
    await installing.ends(*installing.orders[0], "cancelled", status="not-installed", installed=False)
    assert (await installing.ordered())[0] == "install"


async def test_a_cancelling_that_cannot_be_brought_is_brought_after_a_restart(shell: Shell, installing: Agent) -> None:
    await installing.stop()
    assert (await cancel(shell, installing)).status == 202
    await shell.stop()
    port = int(installing.port)
    await installing.start(port)
    await shell.start()
    await installing.report()
    await until(lambda: installing.cancelled, "the agent to be told")


async def test_what_the_agent_never_had_is_over(shell: Shell, joined: Agent) -> None:
    joined.refuses = lambda _: web.json_response({"error": {"message": "busy"}}, status=409)
    await shell.create(joined.host, status={"expect": "running"})
    await joined.ordered()
    await cancel(shell, joined)
    await shell.becomes("not-installed")
    (ended,) = (await shell.get("/database/db/operations")).body["items"]
    assert ended["state"] == "cancelled"
    assert ended["message"] == f"install was cancelled before it began: {joined.host} never had it"


async def test_an_operation_that_ended_is_a_conflict_that_says_how(shell: Shell, joined: Agent) -> None:
    await shell.create(joined.host, status={"expect": "stopped"})
    await joined.obeys("install")
    answer = await cancel(shell, joined)
    assert (answer.status, answer.message) == (409, "the install of db has ended: succeeded")
    assert (await shell.delete("/operations/nothing")).status == 404


async def test_a_dry_run_cancels_nothing(shell: Shell, installing: Agent) -> None:
    answer = await cancel(shell, installing, "?dry_run=true")
    assert answer.body["steps"] == [{"host": installing.host, "action": "cancel", "why": "the install under way"}]
    await installing.report()
    assert installing.cancelled == []
    assert (await shell.member())["operation"]


async def test_cancelling_twice_is_cancelling_once(shell: Shell, installing: Agent) -> None:
    assert [(await cancel(shell, installing)).status for _ in range(2)] == [202, 202]
    story = (await shell.get("/database/db/events")).body["items"]
    assert [event["sentence"] for event in story].count("admin cancels the install") == 1
