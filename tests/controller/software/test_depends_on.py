"""Instances that depend on others: started after them, stopped before them, and never in a circle."""

from typing import Any

import pytest

from tests.controller.agents import Agent
from tests.controller.shell import Answer, Shell, body


async def create(shell: Shell, agent: Agent, name: str, *depends_on: str, **app: Any) -> Answer:
    return await shell.post("/database/create", body(name, agent.host, **app) | {"depends_on": list(depends_on)})


@pytest.fixture
async def pair(shell: Shell, joined: Agent) -> Agent:
    """`web` depends on `db`; both are stopped."""
    for name, needs in (("db", []), ("web", ["database/db"])):
        await create(shell, joined, name, *needs, status={"realtime": "stopped"})
        await joined.sees("stopped", name)
    return joined


async def test_it_starts_after_what_it_depends_on(shell: Shell, pair: Agent) -> None:
    await shell.put("/database/web/running")
    assert (await shell.member("web"))["waiting"] == "waits for database/db, which it depends on and which is stopped"
    await shell.put("/database/db/running")
    action, order = await pair.ordered()
    assert (action, order.name) == ("start", "db")
    await pair.ends(action, order)
    action, order = await pair.ordered()
    assert (action, order.name) == ("start", "web")


async def test_it_is_stopped_before_what_it_depends_on(shell: Shell, pair: Agent) -> None:
    for name in ("db", "web"):
        await shell.put(f"/database/{name}/running")
        await pair.obeys("start")
    await shell.put("/database/db/stopped")
    assert (await shell.member())["waiting"] == "waits for database/web, which depends on it and is running"
    await shell.put("/database/web/stopped")
    for name in ("web", "db"):
        action, order = await pair.ordered()
        assert (action, order.name) == ("stop", name)
        await pair.ends(action, order)


async def test_healing_waits_for_nobody(shell: Shell, pair: Agent) -> None:
    for name in ("db", "web"):
        await shell.put(f"/database/{name}/running")
        await pair.obeys("start")
    await shell.put("/database/db/hold")
    await pair.sees("failed", alive=False)
    await pair.sees("failed", "web", alive=False)
    shell.clock.now += 5
    await pair.report()
    action, order = await pair.ordered()
    assert (action, order.name) == ("restart", "web")


async def test_what_others_depend_on_is_not_deleted(shell: Shell, pair: Agent) -> None:
    answer = await shell.delete("/database/db?uninstall=true")
    assert answer.status == 409
    assert answer.body["error"]["details"] == ["database/web"]
    assert (await shell.delete("/database/web?orphan=true")).status == 200
    assert (await shell.delete("/database/db?orphan=true")).status == 200


async def test_what_does_not_exist_cannot_be_depended_on(shell: Shell, joined: Agent) -> None:
    answer = await create(shell, joined, "web", "database/nowhere")
    assert (answer.status, answer.message) == (422, "depends_on: database/nowhere does not exist; create it first")
    assert (await shell.get("/database")).body["items"] == []


async def test_a_circle_is_refused_with_its_way(shell: Shell, pair: Agent) -> None:
    document = (await shell.get("/database/db")).body
    answer = await shell.put("/database/db", document | {"depends_on": ["database/web"]})
    assert answer.status == 422
    assert answer.message == "depends_on: this goes round in a circle: database/db → database/web → database/db"
    alone = await shell.put("/database/db", document | {"depends_on": ["database/db"]})
    assert alone.message == "depends_on: this goes round in a circle: database/db → database/db"
    assert (await shell.get("/database/db")).body == document


@pytest.mark.parametrize("entry", ["db", "disk/db", "database/", "database/create", "database/a b", 7])
async def test_an_entry_that_names_nothing_is_refused(shell: Shell, joined: Agent, entry: Any) -> None:
    answer = await create(shell, joined, "web", entry)
    assert answer.status == 400
    assert "depends_on.0" in answer.message


async def test_dependencies_are_known_after_a_restart(shell: Shell, pair: Agent) -> None:
    await shell.restart()
    assert (await shell.get("/database/web")).body["depends_on"] == ["database/db"]
    assert (await shell.delete("/database/db?orphan=true")).status == 409
