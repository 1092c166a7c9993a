"""A changed spec on a real agent: applied when it is said so, on hosts that come and go, and over every crash."""

from typing import Any

import pytest

from tests.e2e.tiny import Instance, Maker
from tests.testbeds.stack import Agent, Stack

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def _put(db: Instance, query: str = "", **document: Any) -> dict[str, Any]:
    status, answer = await db.stack.call("PUT", f"{db.path}{query}", await db.get() | document)
    assert status == 200, answer
    return dict(answer)


async def test_a_reinstall_stops_installs_over_it_and_starts_again(db: Instance) -> None:
    await db.runs_from_nothing()
    first = db.pid
    await _put(db, "?apply=reinstall")
    await db.ran("install", "start", "stop", "install", "start")
    await db.becomes("running")
    await db.at_rest()
    assert db.pid != first
    record = await db.get()
    assert (record["generation"], record["applied_generation"], record["drift"]) == (2, 2, False)
    assert db.overlaps() == []


@pytest.mark.parametrize("step", ["stop", "install"])
async def test_an_agent_killed_in_a_reinstall_goes_on_where_it_was(make: Maker, agent: Agent, step: str) -> None:
    db = await make().runs_from_nothing()
    go_on = db.hold(step)
    await _put(db, "?apply=reinstall")
    await db.ran("install", "start", "stop", *(["install"] if step == "install" else []))
    agent.kill()
    agent.start()
    go_on()
    await db.ran("install", "start", "stop", "install", "start")
    await db.becomes("running")
    assert db.overlaps() == []


async def test_a_controller_killed_in_a_reinstall_goes_on(db: Instance, stack: Stack) -> None:
    await db.runs_from_nothing()
    go_on = db.hold("install")
    await _put(db, "?apply=reinstall")
    await db.ran("install", "start", "stop", "install")
    stack.controller.kill()
    await stack.start_controller()
    go_on()
    await db.ran("install", "start", "stop", "install", "start")
    await db.becomes("running")


async def test_changed_metadata_reaches_the_next_start(db: Instance) -> None:
    await db.runs_from_nothing()
    record = await db.get()
    elsewhere = db.control.with_name(f"{db.control.name}-elsewhere")
    elsewhere.mkdir()
    metadata = record["app"]["metadata"] | {"CONTROL": str(elsewhere)}
    await _put(db, "?apply=restart", app=record["app"] | {"metadata": metadata})
    await db.at_rest()
    assert (elsewhere / "runs").read_text().split() == ["stop", "start"]


async def test_a_host_is_added_and_another_taken_off(make: Maker, stack: Stack, agent: Agent) -> None:
    second = stack.agents[1] if len(stack.agents) > 1 else await stack.add_agent()
    db = await make(agent).runs_from_nothing()
    hosts = [{"ip": "127.0.0.1", "agent_port": each.port} for each in (agent, second)]
    await _put(db, host=hosts)
    await db.ran("install", "start", "install", "start")
    await db.becomes("running")
    await _put(db, "?removed=uninstall", host=hosts[1:])
    await db.ran("install", "start", "install", "start", "stop", "uninstall")
    await db.at_rest()
    assert [member["host"] for member in (await db.get())["members"]] == [second.host]


async def test_a_cancelled_script_is_ended_and_its_member_left_alone(db: Instance, stack: Stack) -> None:
    await db.create()
    db.hold("install")
    await db.wish("running")
    await db.ran("install")
    operation = (await db.member())["operation"]
    status, answer = await stack.call("DELETE", f"/operations/{operation}")
    assert (status, answer["cancelled_by"]) == (202, "admin")
    await db.says("it waits for a new wish")
    assert [each["state"] for each in await db.operations()] == ["cancelled"]


async def test_it_starts_after_what_it_depends_on_and_is_stopped_before_it(make: Maker, stack: Stack) -> None:
    below, above = make(), make()
    await below.create()
    body = above.body() | {"depends_on": [below.path.removeprefix("/")]}
    status, answer = await stack.call("POST", "/database/create", body)
    assert status == 201, answer
    await above.wish("running")
    await above.says(f"waits for database/{below.name}, which it depends on and which is not-installed")
    await below.wish("running")
    await above.becomes("running")
    await below.wish("stopped")
    await below.says(f"waits for database/{above.name}, which depends on it and is running")
    await above.wish("stopped")
    await below.becomes("stopped")
