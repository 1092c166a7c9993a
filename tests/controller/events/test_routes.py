"""GET /events over real HTTP: the words of server-sent events, heartbeats, cut connections, a clean end."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from paas_controller.events.routes import Pace
from tests.controller.agents import Agent
from tests.controller.shell import MORNING, Shell
from tests.testbeds.stack import until


class Ear:
    """Reads one stream."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response

    async def block(self) -> str:
        """The next lines up to an empty one; empty when the stream has ended."""
        lines = []
        async with asyncio.timeout(10):
            while (line := await self.response.content.readline()).strip():
                lines.append(line.decode().rstrip("\n"))
        return "\n".join(lines)

    async def change(self) -> Any:
        """The next change, whatever else comes before it."""
        while not (block := await self.block()).startswith("id: ") or "data: " not in block:
            assert block, "the stream ended"
        return json.loads(block.split("data: ")[1])


@asynccontextmanager
async def listening(shell: Shell, query: str = "", token: str = "", **headers: str) -> AsyncIterator[Ear]:
    shown = {"Authorization": f"Bearer {token or shell.token}"}
    shown |= {name.replace("_", "-"): value for name, value in headers.items()}
    url = f"{str(shell.address).rstrip(chr(47))}/apis/v1alpha1/events{query}"
    async with aiohttp.ClientSession() as session, session.get(url, headers=shown) as response:
        assert response.status == 200, await response.text()
        yield Ear(response)


@pytest.fixture
async def quick(tmp_path: Path) -> AsyncIterator[Shell]:
    """A controller with short heartbeats and little patience."""
    shell = Shell(tmp_path / "quick", pace=Pace(heartbeat=0.05, patience=0.2))
    await shell.start()
    yield shell
    await shell.stop()


async def test_a_stream_says_first_when_to_come_again_and_from_where(shell: Shell) -> None:
    await shell.create()
    async with listening(shell) as ear:
        assert ear.response.content_type == "text/event-stream"
        assert ear.response.headers["Cache-Control"] == "no-store"
        assert ear.response.headers["X-Request-Id"]
        assert await ear.block() == "retry: 3000\nid: 1"


async def test_every_change_is_told_as_the_story_tells_it(shell: Shell, joined: Agent) -> None:
    async with listening(shell) as ear:
        await shell.create(joined.host, status={"expect": "running"})
        await joined.obeys("install", "start")
        told = [await ear.change() for _ in range(5)]
    story = (await shell.get("/database/db/events")).body["items"]
    assert told == [{"kind": "database", "name": "db"} | event for event in reversed(story)][:5]
    assert [change["to"] for change in told] == ["not-installed", "installing", "stopped", "starting", "running"]


async def test_a_stream_goes_on_where_it_broke(shell: Shell) -> None:
    await shell.create()
    await shell.put("/database/db/hold")
    async with listening(shell) as ear:
        await shell.put("/database/db/release")
        last = (await ear.change())["id"]
    await shell.put("/database/db/stopped")
    await shell.put("/database/db/not-installed")
    async with listening(shell, Last_Event_ID=str(last)) as ear:
        said = [(await ear.change())["sentence"] for _ in range(2)]
    assert said == ["admin expects stopped", "admin expects not-installed"]


async def test_from_0_on_is_the_whole_story_of_what_is_asked_for(shell: Shell) -> None:
    for name, kind in (("db", "database"), ("web", "middleware"), ("db2", "database")):
        await shell.create(name=name, kind=kind)
    async with listening(shell, "?kind=database", Last_Event_ID="0") as ear:
        assert [(await ear.change())["name"] for _ in range(2)] == ["db", "db2"]
    async with listening(shell, "?kind=database&name=db2", Last_Event_ID="0") as ear:
        assert (await ear.change())["name"] == "db2"


async def test_what_is_asked_wrongly_is_refused_with_a_sentence(shell: Shell) -> None:
    for wrong in ("x", "-1", "1.5", "9" * 20):
        answer = await shell.get("/events", headers={"Last-Event-ID": wrong})
        assert (answer.status, answer.message) == (
            400, f"Last-Event-ID is the number of an event, or 0 for all that are kept; not {wrong!r}",
        )  # fmt: skip
    assert (await shell.get("/events?kind=cache")).status == 400
    assert "a name is one of its kind only" in (await shell.get("/events?name=db")).message


async def test_a_heartbeat_keeps_a_silent_stream_alive(quick: Shell) -> None:
    async with listening(quick) as ear:
        await ear.block()
        assert [await ear.block() for _ in range(3)] == [":"] * 3


async def test_a_withdrawn_token_hears_no_more(quick: Shell) -> None:
    async with listening(quick, token=await quick.token_of("viewer")) as ear:
        await ear.block()
        await quick.delete("/tokens/some-viewer")
        while (block := await ear.block()) == ":":
            pass
        assert "needs a valid token" in block
        assert await ear.block() == ""


async def test_an_end_of_the_controller_is_said_and_waits_for_nobody(shell: Shell) -> None:
    await shell.create()
    async with listening(shell) as ear:
        await ear.block()
        async with asyncio.timeout(2):
            await shell.restart()
            assert await ear.block() == ": the controller stops; connect again with Last-Event-ID: 1 to go on"
            assert await ear.block() == ""
    async with listening(shell, Last_Event_ID="0") as ear:
        assert (await ear.change())["id"] == 1


async def test_who_does_not_take_what_is_sent_is_cut_off(quick: Shell) -> None:
    await quick.create()
    await quick.stop()
    with sqlite3.connect(quick.folder / "controller.db") as kept:
        row = ("INSERT INTO event (at, topic, name, host, before, after, why, sentence, operation)"
               " VALUES (?, 'database', 'db', '', '', '', '', ?, '')")  # fmt: skip
        kept.executemany(row, [(MORNING, "x" * 1000)] * 20_000)
    kept.close()
    await quick.start()
    reader, writer = await asyncio.open_connection(quick.address.host, quick.address.port, limit=1024)
    head = f"GET /apis/v1alpha1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {quick.token}\r\n"
    writer.write(f"{head}Last-Event-ID: 0\r\n\r\n".encode())
    assert b"200" in await reader.readline()
    await quick.put("/database/db/hold")  # the others are served all the while
    async with asyncio.timeout(10):
        await listeners(quick, 0)
        with suppress(ConnectionError):
            while await reader.read(1 << 16):
                pass
    writer.close()


async def test_who_has_gone_is_forgotten(quick: Shell) -> None:
    async with listening(quick) as ear:
        await ear.block()
        await listeners(quick, 1)
    await listeners(quick, 0)


async def listeners(shell: Shell, count: int) -> None:
    """Waits until so many listen, as /metrics says."""

    async def look() -> bool:
        return f"paas_stream_listeners {count}.0\n".encode() in (await shell.get("//metrics")).body

    await until(look, f"{count} listeners", 10)
