"""Silence is not death: a host that is not heard of is unknow, and nothing is done about it until it is heard again."""

import os
import shutil
import signal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.e2e.tiny import Instance, publish
from tests.testbeds.stack import Stack, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    folder = tmp_path_factory.mktemp("stack")
    publish(folder / "repo" / "tiny")
    async with Stack(folder, folder / "repo", report_interval="0.3") as stack:
        yield stack


async def test_a_host_that_stands_still_makes_its_members_unknow_and_comes_back_as_it_was(db: Instance) -> None:
    await db.runs_from_nothing()
    pid = db.pid
    os.kill(db.agent.pid, signal.SIGSTOP)
    await db.becomes("unknow")
    assert "has not been heard of" in (await db.member())["reason"]
    os.kill(db.agent.pid, signal.SIGCONT)
    await db.becomes("running")
    assert db.pid == pid
    assert db.runs() == ["install", "start"]
    assert (await db.changes())[-2:] == [("running", "unknow", "silence"), ("unknow", "running", "report")]


async def test_a_wish_about_an_unknow_member_waits_for_its_host(db: Instance) -> None:
    await db.runs_from_nothing()
    db.agent.kill()
    await db.becomes("unknow")
    await db.wish("stopped")
    assert len(await db.operations()) == 2
    db.agent.start()
    await db.becomes("stopped")
    assert db.runs() == ["install", "start", "stop"]


async def test_what_died_in_the_silence_is_healed_after_it(db: Instance) -> None:
    await db.runs_from_nothing()
    db.agent.kill()
    await db.becomes("unknow")
    os.kill(db.pid, 9)
    db.agent.start()
    await db.ran("install", "start", "stop", "start")
    await db.becomes("running")
    assert ("running", "failed", "exit") in await db.changes()


async def test_an_operation_that_lasts_longer_than_the_silence_is_heard_of_again(db: Instance) -> None:
    go_on = db.hold("install")
    await db.create()
    await db.wish("running")
    await db.ran("install")
    db.agent.kill()
    await db.becomes("unknow")
    db.agent.start()
    await db.becomes("installing")
    go_on()
    await db.becomes("running")
    assert db.runs() == ["install", "start"]


async def test_a_controller_that_was_away_takes_nobody_for_lost(db: Instance, stack: Stack) -> None:
    await db.runs_from_nothing()
    stack.controller.kill()
    await stack.start_controller()
    await _heard_since(stack)
    assert "unknow" not in await db.walk()


async def test_with_a_new_journal_what_still_runs_is_found_and_not_started_again(db: Instance) -> None:
    await db.runs_from_nothing()
    pid = db.pid
    _lose_journal(db)
    await _knows_again(db)
    await db.becomes("running")
    await db.at_rest()
    assert db.pid == pid
    assert db.runs().count("start") == 1
    assert "stop" not in db.runs()


async def test_with_a_new_journal_the_operation_in_flight_is_interrupted(db: Instance) -> None:
    db.hold("install")
    await db.create()
    await db.wish("running")
    await db.ran("install")
    db.agent.kill()
    await db.kill_script("install")
    (db.control / "hold.install").unlink()
    shutil.rmtree(db.agent.work_dir / "operations")
    _lose_journal(db)
    await db.becomes("running")
    assert db.runs() == ["install", "install", "start"]
    first = (await db.operations())[0]
    assert (first["state"], "new journal" in first["message"]) == ("interrupted", True)


def _lose_journal(db: Instance) -> None:
    db.agent.kill()
    shutil.rmtree(db.agent.work_dir / "journal")
    db.agent.start()


async def _knows_again(db: Instance) -> None:
    record = db.agent.work_dir / "journal" / "instances" / f"{db.kind}.{db.name}.json"

    async def known() -> bool:
        return record.exists()

    await until(known, "the agent to know it again")


async def _heard_since(stack: Stack) -> None:
    _, before = await stack.call("GET", "/hosts")

    async def heard() -> bool:
        _, now = await stack.call("GET", "/hosts")
        return (now["items"][0]["last_heard"] or "") > (before["items"][0]["last_heard"] or "")

    await until(heard, "the agent to be heard again")
