"""Wishes in a hurry while controller and agent are killed under them: the last wish is reached, nothing ran twice."""

import asyncio
import random

import pytest

from tests.e2e.tiny import Instance, Maker
from tests.testbeds.stack import Agent, Stack, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("seed", range(2))
async def test_eight_wishes_and_many_deaths_end_at_the_last_wish(
    make: Maker, stack: Stack, agent: Agent, seed: int
) -> None:
    dice = random.Random(seed)
    db = await make().runs_from_nothing()
    for _ in range(8):
        await stack.call("PUT", f"{db.path}/{dice.choice(('restart', 'stopped', 'running', 'not-installed'))}")
        await asyncio.sleep(dice.uniform(0, 0.2))  # the moment is what is tried; nothing is waited for
        if dice.random() < 0.6:
            agent.kill()
        if dice.random() < 0.6:
            stack.controller.kill()
            await stack.start_controller()
        if not agent.alive:
            agent.start()
    await db.wish("running")
    await _runs_in_peace(db)
    operations = await db.operations()
    assert {each["state"] for each in operations} == {"succeeded"}
    scripts = {"restart": ["stop", "start"]}
    ordered = [script for each in operations for script in scripts.get(each["action"], [each["action"]])]
    assert db.runs() == ordered


async def _runs_in_peace(db: Instance) -> None:
    async def peace() -> bool:
        record = await db.get()
        return record["app"]["status"]["realtime"] == "running" and record["members"][0]["operation"] is None

    await until(peace, "it to run")
