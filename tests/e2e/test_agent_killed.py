"""The agent is killed at any moment of an operation. Started again it adopts or reports; nothing runs twice."""

import asyncio
import os
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.agent.repository import Repository, stalled_after
from tests.e2e.tiny import Instance, Maker, publish, serves
from tests.testbeds.stack import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def elsewhere(tmp_path: Path) -> AsyncIterator[Repository]:
    """A repository that misbehaves when it is told to; it holds the tiny software and a package."""
    repository = Repository(tmp_path / "elsewhere")
    publish(repository.folder)
    repository.publish("package.bin", os.urandom(1 << 20))
    await repository.server.start_server()
    yield repository
    await repository.server.close()


async def test_while_a_script_is_fetched(db: Instance, elsewhere: Repository) -> None:
    elsewhere.fail("install.sh", stalled_after(10))
    await db.create(repo_url=elsewhere.url)
    await db.wish("running")
    await _asked(elsewhere, "install.sh")
    _restart_agent(db)
    await db.becomes("running")
    assert db.runs() == ["install", "start"]
    assert len(await db.operations()) == 2


async def test_while_a_package_is_fetched(db: Instance, elsewhere: Repository) -> None:
    elsewhere.fail("package.bin", stalled_after(1000))
    await db.create(repo_url=elsewhere.url, package="package.bin")
    await db.wish("running")
    await _asked(elsewhere, "package.bin")
    _restart_agent(db)
    await db.becomes("running")
    assert db.runs() == ["install", "start"]


async def test_with_the_order_journaled_and_nothing_begun(db: Instance, elsewhere: Repository) -> None:
    elsewhere.fail("install.sh", *[stalled_after(0)] * 3)
    await db.create(repo_url=elsewhere.url)
    await db.wish("running")
    for _ in range(3):
        await _asked(elsewhere, "install.sh")
        elsewhere.asked.clear()
        assert db.runs() == []
        _restart_agent(db)
    await db.becomes("running")
    assert db.runs() == ["install", "start"]
    assert len(await db.operations()) == 2


@pytest.mark.parametrize("action", ["install", "start"])
async def test_while_the_script_runs_it_is_adopted(db: Instance, action: str) -> None:
    go_on = db.hold(action)
    await db.create()
    await db.wish("running")
    await _begun(db, action)
    _restart_agent(db)
    await serves(db.agent)
    go_on()
    await db.becomes("running")
    assert db.runs() == ["install", "start"]
    assert {each["state"] for each in await db.operations()} == {"succeeded"}


async def test_while_the_script_ends_without_an_agent(db: Instance) -> None:
    go_on = db.hold("install")
    await db.create()
    await db.wish("running")
    await db.ran("install")
    db.agent.kill()
    go_on()
    await _exit_recorded(db, "install")
    db.agent.start()
    await db.becomes("running")
    assert db.runs() == ["install", "start"]
    assert {each["state"] for each in await db.operations()} == {"succeeded"}


async def test_with_the_script_killed_as_well_it_is_interrupted_and_decided_anew(db: Instance) -> None:
    db.hold("install")
    await db.create()
    await db.wish("running")
    await db.ran("install")
    db.agent.kill()
    await db.kill_script("install")
    (db.control / "hold.install").unlink()
    db.agent.start()
    await db.becomes("running")
    assert db.runs() == ["install", "install", "start"]
    first = (await db.operations())[0]
    assert first["state"] == "interrupted"
    assert "nobody knows how far it came" in first["message"]


async def test_services_keep_running_and_their_exit_is_seen_afterwards(db: Instance) -> None:
    await db.runs_from_nothing()
    pid = db.pid
    _restart_agent(db)
    await serves(db.agent)
    assert await db.stack.realtime(db.kind, db.name) == "running"
    assert db.pid == pid
    os.kill(pid, 9)
    await db.ran("install", "start", "stop", "start")


async def test_a_service_that_ended_while_the_agent_was_down_has_failed(db: Instance) -> None:
    await db.runs_from_nothing()
    db.agent.kill()
    os.kill(db.pid, 9)
    db.agent.start()
    await db.ran("install", "start", "stop", "start")
    await db.becomes("running")


@pytest.mark.parametrize("seed", range(2))
async def test_at_a_random_moment_of_five_restarts(make: Maker, seed: int) -> None:
    dice = random.Random(seed)
    db = await make().runs_from_nothing()
    for _ in range(5):
        await db.wish("restart")
        await asyncio.sleep(dice.uniform(0, 0.15))  # the moment is what is tried; nothing is waited for
        _restart_agent(db)
        await serves(db.agent)
    await db.at_rest()
    await db.becomes("running")
    operations = await db.operations()
    assert {each["state"] for each in operations} == {"succeeded"}
    assert db.runs() == ["install", "start", *["stop", "start"] * (len(operations) - 2)]


def _restart_agent(db: Instance) -> None:
    db.agent.kill()
    db.agent.start()


async def _asked(repository: Repository, name: str) -> None:
    async def asked() -> bool:
        return any(each.name == name for each in repository.asked)

    await until(asked, f"{name} to be asked for")


async def _begun(db: Instance, action: str) -> None:
    async def last() -> bool:
        return db.runs()[-1:] == [action]

    await until(last, f"{action} to be begun")


async def _exit_recorded(db: Instance, action: str) -> None:
    operation = (await db.member())["operation"]

    async def recorded() -> bool:
        return (db.agent.work_dir / "operations" / operation / f"{action}.exit").exists()

    await until(recorded, f"{action} to end")
