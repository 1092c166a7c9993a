"""A dry run says what would be done, refuses what would be refused, and changes nothing."""

from typing import Any

import pytest

from tests.controller.agents import Agent
from tests.controller.shell import Answer, Shell, body


@pytest.fixture
async def runs(shell: Shell, joined: Agent) -> Agent:
    await shell.create(joined.host, status={"expect": "running"})
    await joined.obeys("install", "start")
    return joined


async def everything(shell: Shell) -> list[Any]:
    """Whatever a write could have changed."""
    paths = ("/database", "/database/db", "/database/db/events", "/database/db/operations", "/hosts")
    return [(await shell.get(path)).body for path in paths]


def actions(answer: Answer) -> list[str]:
    assert (answer.status, answer.body["dry_run"]) == (200, True), answer.body
    return [step["action"] for step in answer.body["steps"]]


@pytest.mark.parametrize(
    ("write", "steps"),
    [
        ("running", []),
        ("stopped", ["stop"]),
        ("not-installed", ["stop", "uninstall"]),
        ("restart", ["restart"]),
        ("hold", []),
        ("release", []),
    ],
)
async def test_a_wish(shell: Shell, runs: Agent, write: str, steps: list[str]) -> None:
    before = await everything(shell)
    assert actions(await shell.put(f"/database/db/{write}?dry_run=true")) == steps
    assert await everything(shell) == before
    assert len(runs.orders) == 2


async def test_creating(shell: Shell, runs: Agent) -> None:
    before = await everything(shell)
    fresh = body("fresh", runs.host, status={"expect": "running"})
    answer = await shell.post("/database/create?dry_run=true", fresh)
    assert actions(answer) == ["install", "start"]
    assert answer.body["status"] == {"expect": "running", "realtime": "not-installed"}
    assert (await shell.post("/database/create?dry_run=true", body("db"))).status == 409
    assert await everything(shell) == before


async def test_creating_on_a_host_that_nobody_knows_says_what_is_in_the_way(shell: Shell) -> None:
    fresh = body("fresh", "10.9.9.9:3335", status={"expect": "running"})
    answer = await shell.post("/database/create?dry_run=true", fresh)
    assert actions(answer) == ["install", "start"]
    assert answer.body["steps"][0]["why"].startswith("10.9.9.9:3335 has no agent yet")
    assert (await shell.get("/hosts")).body["items"] == []


async def test_a_forgotten_port_is_named_where_another_agent_joined_at_the_address(shell: Shell, agent: Agent) -> None:
    async def why() -> str:
        fresh = body("fresh", "127.0.0.1:1", status={"expect": "running"})
        answer = await shell.post("/database/create?dry_run=true", fresh)
        return str(answer.body["steps"][0]["why"])

    await agent.join()
    assert (await why()).endswith(f'or say "agent_port": {agent.port}, where 127.0.0.1 has one')
    await shell.delete(f"/hosts/{agent.host}")
    assert (await why()).endswith("with a token from paasctl host token")


async def test_members_in_their_order(shell: Shell) -> None:
    fresh = body("fresh", "h1:1", "h2:1", status={"expect": "running"})
    answer = await shell.post("/database/create?dry_run=true", fresh)
    assert [(step["host"], step["action"]) for step in answer.body["steps"]] == [
        ("h1:1", "install"), ("h1:1", "start"), ("h2:1", "install"), ("h2:1", "start"),
    ]  # fmt: skip


async def test_taking_members_down_begins_with_the_last_one(shell: Shell) -> None:
    await shell.create("h1:1", "h2:1", "h3:1", status={"expect": "running", "realtime": "running"})
    answer = await shell.put("/database/db/not-installed?dry_run=true")
    assert [(step["host"], step["action"]) for step in answer.body["steps"]] == [
        ("h3:1", "stop"), ("h3:1", "uninstall"), ("h2:1", "stop"), ("h2:1", "uninstall"),
        ("h1:1", "stop"), ("h1:1", "uninstall"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "steps"), [("", []), ("&apply=restart", ["restart"]), ("&apply=reinstall", ["install", "start"])]
)
async def test_changing_the_spec(shell: Shell, runs: Agent, query: str, steps: list[str]) -> None:
    before = await everything(shell)
    document = before[1] | {"labels": {"a": "b"}}
    assert actions(await shell.put(f"/database/db?dry_run=true{query}", document)) == steps
    assert await everything(shell) == before


async def test_taking_a_host_off_the_list(shell: Shell, runs: Agent) -> None:
    before = await everything(shell)
    document = before[1] | {"host": body("db", "h2:1")["host"]}
    refused = await shell.put("/database/db?dry_run=true", document)
    assert refused.status == 409
    answer = await shell.put("/database/db?dry_run=true&removed=uninstall", document)
    assert [(step["host"], step["action"]) for step in answer.body["steps"]] == [
        ("h2:1", "install"), ("h2:1", "start"), (runs.host, "stop"), (runs.host, "uninstall"),
    ]  # fmt: skip
    assert await everything(shell) == before


async def test_deleting(shell: Shell, runs: Agent) -> None:
    before = await everything(shell)
    assert actions(await shell.delete("/database/db?uninstall=true&dry_run=true")) == ["stop", "uninstall", "forget"]
    assert actions(await shell.delete("/database/db?orphan=true&dry_run=true")) == ["forget"]
    assert actions(await shell.delete("/database/nothing?dry_run=true")) == []
    assert (await shell.delete("/database/db?dry_run=true")).status == 409
    assert await everything(shell) == before


async def test_a_member_that_is_held_waits(shell: Shell, runs: Agent) -> None:
    await shell.put("/database/db/hold")
    answer = await shell.put("/database/db/stopped?dry_run=true")
    assert actions(answer) == ["wait"]
    assert "held" in answer.body["steps"][0]["why"]


async def test_what_is_under_way_is_the_first_step(shell: Shell, joined: Agent) -> None:
    await shell.create(joined.host, status={"expect": "running"})
    await joined.ordered()
    answer = await shell.put("/database/db/not-installed?dry_run=true")
    assert [(step["action"], step["why"]) for step in answer.body["steps"]] == [
        ("install", "it is under way"), ("uninstall", ""),
    ]  # fmt: skip


async def test_a_name_that_is_not_there_is_not_found(shell: Shell) -> None:
    assert (await shell.put("/database/db/running?dry_run=true")).status == 404
    assert (await shell.put("/database/db/running?dry_run=yes")).status == 400


async def test_hosts_and_tokens(shell: Shell, runs: Agent) -> None:
    before = [(await shell.get(path)).body for path in ("/hosts", "/tokens")]
    assert actions(await shell.post("/hosts?dry_run=true", {"ip": "h9"})) == ["add"]
    assert actions(await shell.post("/hosts/join-tokens?dry_run=true")) == ["issue a join token"]
    assert actions(await shell.post("/tokens?dry_run=true", {"name": "x", "role": "viewer"})) == ["issue a token"]
    assert (await shell.delete(f"/hosts/{runs.host}?dry_run=true")).status == 409
    assert (await shell.delete("/tokens/admin?dry_run=true")).status == 409
    assert [(await shell.get(path)).body for path in ("/hosts", "/tokens")] == before
    await shell.post("/hosts", {"ip": "h9"})
    await shell.post("/tokens", {"name": "x", "role": "viewer"})
    assert actions(await shell.delete("/hosts/h9:3335?dry_run=true")) == ["forget"]
    assert actions(await shell.delete("/tokens/x?dry_run=true")) == ["withdraw a token"]
    assert (await shell.get("/hosts/h9:3335")).status == 200
    assert len((await shell.get("/tokens")).body["items"]) == 2
