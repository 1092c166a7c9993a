"""The product as shipped on PostgreSQL: what must hold on SQLite holds there, and while the server is away, too."""

import re
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from paas_controller.store.engines import transaction
from tests.e2e.tiny import Instance, publish
from tests.testbeds.postgres import Server
from tests.testbeds.stack import Stack, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory, own_postgres: Server) -> AsyncIterator[Stack]:
    """The stack of the other files, but for its database, which is reached with a password."""
    folder: Path = tmp_path_factory.mktemp("stack")
    publish(folder / "repo" / "tiny")
    with own_postgres.database() as bare:
        url = bare.replace("paas@", "paas:kept-secret@")
        async with Stack(folder, folder / "repo", report_interval="1", database_url=url) as stack:
            yield stack


async def _wish_refused(db: Instance, word: str) -> str:
    status, answer = await db.stack.call("PUT", f"{db.path}/{word}")
    assert status == 503, answer
    return str(answer["error"]["message"])


async def test_a_killed_controller_goes_on_where_it_was(db: Instance, stack: Stack) -> None:
    await db.create()
    go_on = db.hold("start")
    await db.wish("running")
    await db.ran("install", "start")
    stack.controller.kill()
    await stack.start_controller()
    assert await stack.realtime(db.kind, db.name) == "starting"
    go_on()
    await db.becomes("running")
    await db.wish("stopped")
    await db.becomes("stopped")
    assert db.runs() == ["install", "start", "stop"]
    assert [each["state"] for each in await db.operations()] == ["succeeded"] * 3


async def test_without_its_server_it_says_so_and_changes_nothing_and_then_works_on(
    db: Instance, own_postgres: Server
) -> None:
    await db.runs_from_nothing()
    await db.events()  # a list is read after what was written before it
    with own_postgres.away():
        for _ in range(2):
            told = await _wish_refused(db, "stopped")
            assert "the database cannot write now (" in told
            assert told.endswith("; nothing was changed, try again")
        assert (await db.get("/status"))["status"] == {"expect": "running", "realtime": "running"}
        status, answer = await db.stack.call("GET", f"{db.path}/events")
        assert (status, answer["error"]["code"]) == (503, "unavailable")
    assert db.runs() == ["install", "start"]
    await db.wish("stopped")
    await db.becomes("stopped")


async def test_what_ends_while_the_server_is_away_is_taken_in_when_it_is_back(
    db: Instance, own_postgres: Server
) -> None:
    await db.create()
    go_on = db.hold("install")
    await db.wish("running")
    await db.ran("install")
    with own_postgres.away(Server.kill):
        go_on()
        await _wish_refused(db, "stopped")
    await db.becomes("running")
    assert db.runs() == ["install", "start"]


async def test_a_host_is_not_lost_because_the_server_was_away(db: Instance, own_postgres: Server) -> None:
    await db.runs_from_nothing()
    heard = [await _heard_at(db)]
    with own_postgres.away():
        db.say_in_check('{"code": "7", "msg": "no answer"}')  # news that cannot be stored
        for _ in range(5):  # more than it takes to be lost
            heard.append(await until(lambda: _heard_after(db, heard[-1]), "the next report"))
    await db.says("no answer")
    assert "unknow" not in await db.walk()


async def _heard_at(db: Instance) -> str:
    status, host = await db.stack.call("GET", f"/hosts/{db.agent.host}")
    assert (status, host["state"]) == (200, "online")
    return str(host["last_heard"])


async def _heard_after(db: Instance, before: str) -> str:
    heard = await _heard_at(db)
    return heard if heard != before else ""


async def test_a_controller_whose_place_was_taken_ends_with_a_sentence(
    db: Instance, stack: Stack, own_postgres: Server
) -> None:
    await db.create()
    url = stack.controller.arguments[stack.controller.arguments.index("--database-url") + 1]
    own_postgres.cut(url)
    with transaction(url):
        with suppress(aiohttp.ClientError):
            await _wish_refused(db, "running")
        await until(lambda: _ended(stack), "the controller to end")
    last = stack.controller.log.read_text().splitlines()[-1]
    assert re.match(r"paas-controller: another controller \(on \S+, process \d+\) works in postgresql://paas@/", last)
    await stack.start_controller()
    await db.wish("running")
    await db.becomes("running")


async def _ended(stack: Stack) -> bool:
    return not stack.controller.alive


async def test_the_log_never_shows_the_password(stack: Stack) -> None:
    assert "kept-secret" not in stack.controller.log.read_text()
