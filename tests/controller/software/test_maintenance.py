"""Draining through the API: what is stopped, what is said, and how it comes back."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.controller.agents import Agent
from tests.controller.shell import Answer, Shell, body, until
from tests.testbeds.stack import until as look_until


async def drain(shell: Shell, agent: Agent, *, enabled: bool = True, query: str = "") -> Answer:
    answer = await shell.post(f"/hosts/{agent.host}/drain{query}", {"enabled": enabled})
    assert answer.status in (200, 202), answer.body
    return answer


async def shown(shell: Shell, agent: Agent) -> Any:
    return (await shell.get(f"/hosts/{agent.host}")).body


async def waiting(shell: Shell, name: str = "db") -> list[str | None]:
    """What each member waits for."""
    return [member["waiting"] for member in (await shell.get(f"/database/{name}")).body["members"]]


def said(agent: Agent) -> str:
    return f"{agent.host} is drained by admin since 2026-06-28 10:00:00"


@pytest.fixture
async def other(shell: Shell) -> AsyncIterator[Agent]:
    """A second host."""
    agent = Agent(shell)
    await agent.start()
    await agent.join()
    yield agent
    await agent.stop()


async def test_a_drained_host_is_emptied_and_comes_back_as_it_is_expected(shell: Shell, runs: Agent) -> None:
    told = await drain(shell, runs)
    sentence = "is drained: what runs there is stopped, and nothing is brought up until that ends"
    assert (told.status, told.body) == (202, {"name": runs.host, "msg": sentence})
    await runs.obeys("stop")
    assert await shell.status() == ("running", "stopped")
    assert await waiting(shell) == [said(runs)]
    host = await shown(shell, runs)
    assert host["draining"] == {"by": "admin", "since": "2026-06-28T10:00:00.000Z"}
    assert host["pending"] == []

    assert (await drain(shell, runs, enabled=False)).body["msg"].startswith("is drained no longer")
    await runs.obeys("start")
    await shell.becomes("running")
    assert (await shown(shell, runs))["draining"] is None


async def test_nothing_is_installed_on_a_drained_host_until_that_ends(shell: Shell, joined: Agent) -> None:
    await drain(shell, joined)
    await shell.create(joined.host, status={"expect": "running"})
    assert await waiting(shell) == [said(joined)]
    assert joined.orders == []
    await drain(shell, joined, enabled=False)
    await joined.obeys("install", "start")


async def test_a_restarted_controller_still_knows_who_drains(shell: Shell, runs: Agent) -> None:
    await drain(shell, runs)
    await runs.obeys("stop")
    await shell.restart()
    assert (await shown(shell, runs))["draining"]["by"] == "admin"
    assert await waiting(shell) == [said(runs)]


async def test_members_elsewhere_stay_up_and_come_up_again_in_order(shell: Shell, joined: Agent, other: Agent) -> None:
    await shell.create(joined.host, other.host, status={"expect": "running"})
    await joined.obeys("install", "start")
    await other.obeys("install", "start")
    await drain(shell, joined)
    await drain(shell, other)
    await other.obeys("stop")
    await joined.obeys("stop")
    await drain(shell, other, enabled=False)
    first = f"waits for {joined.host}, which is stopped: {said(joined)}"
    assert await waiting(shell) == [said(joined), first]
    assert (await shown(shell, other))["pending"] == [{"member": "database/db", "why": first}]
    await drain(shell, joined, enabled=False)
    await joined.obeys("start")
    await other.obeys("start")


async def test_a_host_that_is_silent_is_drained_when_it_is_heard_again(shell: Shell, runs: Agent) -> None:
    shell.clock.now += 60
    await shell.becomes("unknow")
    told = await drain(shell, runs)
    assert told.body["msg"].endswith("; it has not been heard of, so that waits until it is")
    [pending] = (await shown(shell, runs))["pending"]
    since = "is drained by admin since 2026-06-28 10:01:00"
    silent = "the host has not been heard of; nothing is done until it is"
    assert pending == {"member": "database/db", "why": f"{silent}; {runs.host} {since}"}
    await runs.report()
    await runs.obeys("stop")


async def test_what_is_drained_counts_as_no_failure_and_drifts(shell: Shell, runs: Agent) -> None:
    await drain(shell, runs)
    await runs.obeys("stop")
    await runs.report()
    record = (await shell.get("/database/db")).body
    assert [(member["realtime"], member["failures"]) for member in record["members"]] == [("stopped", 0)]
    assert record["drift"] is True
    assert [action for action, _ in runs.orders] == ["stop"]


async def test_the_steps_of_draining_are_rehearsed_and_nothing_is_done(shell: Shell, runs: Agent) -> None:
    await shell.create(runs.host, name="db2", status={"realtime": "stopped"})
    planned = await drain(shell, runs, query="?dry_run=true")
    assert planned.body["steps"] == [{"host": runs.host, "action": "stop", "why": "database/db"}]
    assert (await shown(shell, runs))["draining"] is None
    await drain(shell, runs)
    await runs.obeys("stop")
    planned = await drain(shell, runs, enabled=False, query="?dry_run=true")
    assert planned.body["steps"] == [{"host": runs.host, "action": "start", "why": "database/db"}]
    assert [action for action, _ in runs.orders] == ["stop"]


async def test_draining_twice_is_draining_once(shell: Shell, joined: Agent) -> None:
    await drain(shell, joined)
    shell.clock.now += 1
    assert (await drain(shell, joined)).body["msg"] == f"{said(joined)} already".removeprefix(f"{joined.host} ")
    await drain(shell, joined, enabled=False)
    assert (await drain(shell, joined, enabled=False)).body["msg"] == "was not drained"


async def test_it_is_told_in_the_story_and_in_the_audit(shell: Shell, runs: Agent) -> None:
    await drain(shell, runs)
    await runs.obeys("stop")
    story = [(event["host"], event["sentence"]) for event in (await shell.get("/database/db/events")).body["items"]]
    assert (runs.host, f"admin drains {runs.host}") in story
    [deed, *_] = (await shell.get("/audit")).body["items"]
    assert (deed["method"], deed["path"].rpartition("/")[2], deed["about"]) == ("POST", "drain", runs.host)


async def test_who_may_not_drain_and_what_is_not_there(shell: Shell, joined: Agent) -> None:
    viewer = await shell.token_of("viewer")
    path = f"/hosts/{joined.host}/drain"
    assert (await shell.post(path, {"enabled": True}, token=viewer)).status == 403
    for query in ("", "?dry_run=true"):
        assert (await shell.post(f"/hosts/nowhere:1/drain{query}", {"enabled": True})).status == 404
    assert (await shell.post(path, {"enable": True})).message.startswith("enable: no such key; allowed here: enabled")


async def test_a_host_that_is_drained_while_an_operation_runs_is_drained_after_it(shell: Shell, joined: Agent) -> None:
    await shell.create(joined.host, status={"expect": "running"})
    action, order = await joined.ordered()
    await drain(shell, joined)
    assert await waiting(shell) == [f"an operation is under way ({order.operation_id})"]
    await joined.ends(action, order)

    async def settled() -> bool:
        return await waiting(shell) == [said(joined)]

    await look_until(settled, "the installation to have ended", 5)
    assert [given for given, _ in joined.orders] == ["install"]


async def test_many_of_one_host_go_down_at_once(shell: Shell, joined: Agent) -> None:
    for name in ("db1", "db2", "db3"):
        created = await shell.post("/database/create", body(name, joined.host, status={"realtime": "running"}))
        assert created.status == 201
        await joined.sees("running", name)
    await drain(shell, joined)
    await until(lambda: len(joined.orders) == 3, "three stops")
