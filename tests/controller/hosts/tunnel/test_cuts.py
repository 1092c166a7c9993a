"""Cuts of ten seconds, a minute and ten minutes, by the controller's clock: who is lost, what becomes of an order."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.controller.agents import Agent
from tests.controller.hosts.tunnel.digger import dug
from tests.controller.shell import Shell, until
from tests.testbeds.stack import until as look_until

INTERVAL = 5
PATIENCE = 3 * INTERVAL


@pytest.fixture
async def patient(tmp_path: Path) -> AsyncIterator[Shell]:
    """A controller that expects reports as it does by itself."""
    shell = Shell(tmp_path / "data", settings={"report_interval": INTERVAL})
    await shell.start()
    yield shell
    await shell.stop()


@pytest.mark.parametrize("seconds", [10, 60, 600])
async def test_an_order_under_way_in_a_cut_is_neither_lost_nor_another_one_and_nobody_is_lost_too_soon(
    patient: Shell, looked: Callable[[], Awaitable[None]], seconds: int
) -> None:
    agent = Agent(patient)
    await agent.start()
    await agent.join()
    await agent.stop()
    await patient.put(f"/hosts/{agent.host}", {"connection": "tunnel"})
    await patient.create(agent.host)

    async def state() -> str:
        return str((await patient.get(f"/hosts/{agent.host}")).body["state"])

    async with dug(agent) as before:
        before.silent = True
        await patient.put("/database/db/running")
        await until(lambda: before.asked, "the order")
        await before.cut()
    await look_until(lambda: _is(state, "reconnecting"), "the tunnel to be missed", 5)
    patient.clock.now += seconds
    await looked()
    await look_until(lambda: _is(state, "lost" if seconds > PATIENCE else "reconnecting"), "what a look makes of it", 5)
    async with dug(agent) as after:
        await after.report()
        await until(lambda: after.asked, "the order again")
        assert await state() == "online"
        asked = [json.loads(each.body)["operation_id"] for each in (before.asked[0], *after.asked)]
        assert len(asked) == 2
        assert len(set(asked)) == 1
    events = (await patient.get("/database/db/events")).body["items"]
    assert ("unknow" in {event["to"] for event in events}) == (seconds > PATIENCE)
    assert len((await patient.get("/database/db/operations")).body["items"]) == 1


async def _is(state: Callable[[], Awaitable[str]], wanted: str) -> bool:
    return bool(await state() == wanted)
