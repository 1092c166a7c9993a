"""The controller is killed at any moment of an operation. Started again it goes on, and no script has run twice."""

import asyncio
import os
import random
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from tests.e2e.tiny import Instance, Maker
from tests.testbeds.stack import Agent, Stack, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@contextmanager
def stopped(agent: Agent) -> Iterator[None]:
    """The agent stands still: what is sent to it waits."""
    os.kill(agent.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(agent.pid, signal.SIGCONT)


async def _operation_in_database(stack: Stack, db: Instance) -> None:
    def count() -> int:
        with closing(sqlite3.connect(stack.folder / "controller" / "controller.db")) as database:
            row = database.execute("SELECT count(*) FROM operation WHERE name = ?", (db.name,)).fetchone()
            return int(row[0])

    async def written() -> bool:
        return count() > 0

    await until(written, "the operation to be written down")


async def test_before_the_order_was_taken(db: Instance, stack: Stack) -> None:
    await db.create()
    with stopped(db.agent):
        await db.wish("running")
        await _operation_in_database(stack, db)
        stack.controller.kill()
        await stack.start_controller()
    await db.becomes("running")
    assert db.runs() == ["install", "start"]
    assert [(each["action"], each["state"]) for each in await db.operations()] == [
        ("install", "succeeded"),
        ("start", "succeeded"),
    ]


async def test_while_the_agent_is_away_with_the_order_written_down(db: Instance, stack: Stack) -> None:
    await db.create()
    db.agent.kill()
    await db.wish("running")
    await _operation_in_database(stack, db)
    stack.controller.kill()
    await stack.start_controller()
    db.agent.start()
    await db.becomes("running")
    assert db.runs() == ["install", "start"]


@pytest.mark.parametrize("action", ["install", "start"])
async def test_while_the_script_runs(db: Instance, stack: Stack, action: str) -> None:
    await db.create()
    go_on = db.hold(action)
    await db.wish("running")
    await _begun(db, action)
    stack.controller.kill()
    await stack.start_controller()
    assert await stack.realtime(db.kind, db.name) == {"install": "installing", "start": "starting"}[action]
    go_on()
    await db.becomes("running")
    assert db.runs() == ["install", "start"]


async def test_between_the_outcome_and_its_acknowledgement(db: Instance, stack: Stack) -> None:
    await db.create()
    go_on = db.hold("install")
    await db.wish("running")
    await db.ran("install")
    stack.controller.kill()
    go_on()
    await _ended_at_agent(db, "install")
    await stack.start_controller()
    await db.becomes("running")
    assert db.runs() == ["install", "start"]
    assert [each["state"] for each in await db.operations()] == ["succeeded", "succeeded"]


async def test_with_wishes_that_changed_while_the_script_ran(db: Instance, stack: Stack) -> None:
    await db.create()
    go_on = db.hold("install")
    await db.wish("running")
    await db.ran("install")
    await db.wish("stopped")
    stack.controller.kill()
    await stack.start_controller()
    go_on()
    await db.becomes("stopped")
    assert db.runs() == ["install"]


async def test_a_wish_that_was_answered_is_never_lost(db: Instance, stack: Stack) -> None:
    await db.create()
    await db.wish("running")
    stack.controller.kill()
    await stack.start_controller()
    await db.becomes("running")
    assert db.runs() == ["install", "start"]


async def test_a_deletion_under_way_is_finished(db: Instance, stack: Stack) -> None:
    await db.runs_from_nothing()
    go_on = db.hold("uninstall")
    await stack.call("DELETE", f"{db.path}?uninstall=true")
    await db.ran("install", "start", "stop", "uninstall")
    stack.controller.kill()
    go_on()
    await stack.start_controller()

    async def gone() -> bool:
        return (await stack.call("GET", db.path))[0] == 404

    await until(gone, "it to be forgotten")
    assert db.runs() == ["install", "start", "stop", "uninstall"]


@pytest.mark.parametrize("seed", range(2))
async def test_at_a_random_moment_of_five_restarts(make: Maker, stack: Stack, seed: int) -> None:
    dice = random.Random(seed)
    db = await make().runs_from_nothing()
    for _ in range(5):
        await db.wish("restart")
        await asyncio.sleep(dice.uniform(0, 0.15))  # the moment is what is tried; nothing is waited for
        stack.controller.kill()
        await stack.start_controller()
    await _restarted(db)
    restarts = [each for each in await db.operations() if each["action"] == "restart"]
    assert {each["state"] for each in restarts} == {"succeeded"}
    assert db.runs() == ["install", "start", *["stop", "start"] * len(restarts)]


async def _begun(db: Instance, action: str) -> None:
    async def last() -> bool:
        return db.runs()[-1:] == [action]

    await until(last, f"{action} to be begun")


async def _restarted(db: Instance) -> None:
    async def done() -> bool:
        operations = await db.operations()
        return await db.stack.realtime(db.kind, db.name) == "running" and all(each["ended_at"] for each in operations)

    await until(done, "the last restart to end")


async def _ended_at_agent(db: Instance, action: str) -> None:
    async def ended() -> bool:
        text = (db.agent.work_dir / "journal" / "instances" / f"{db.kind}.{db.name}.json").read_text()
        return '"succeeded"' in text

    await until(ended, f"the {action} to be ended at the agent")
