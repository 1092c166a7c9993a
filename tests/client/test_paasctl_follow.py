"""`events --follow` and `watch` against a real controller, also one that is started anew meanwhile."""

import asyncio
import fcntl
import json
import os
import pty
import re
import signal
import struct
import termios
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from paas_client.client import Client, connect
from tests.client.conftest import Paasctl, start_controller, until_ready
from tests.testbeds.ports import free_port
from tests.testbeds.stack import until

Body = Callable[..., dict[str, Any]]


async def test_a_story_is_told_so_far_and_as_it_goes_on(
    paasctl: Paasctl, client: Client, name: str, body: Body
) -> None:
    await client.database.create(body(name))
    await client.database.create(body(f"{name}-other"))
    following = await paasctl.start("db", "events", name, "--follow")
    await following.prints("admin created it")
    await client.database.hold(f"{name}-other")
    await client.database.expect(name, "running")
    await following.prints("admin expects running")
    following.interrupt()
    ended = await following.ended()
    assert (ended.code, ended.err) == (130, "")
    assert "other" not in ended.out


async def test_what_is_followed_is_a_document_a_line_for_programs(
    paasctl: Paasctl, client: Client, name: str, body: Body
) -> None:
    await client.database.create(body(name))
    following = await paasctl.start("db", "events", name, "-f", "-o", "json")
    line = await following.prints("admin created it")
    assert json.loads(line)["cause"] == "wish"
    following.interrupt()
    await following.ended()
    following = await paasctl.start("db", "events", name, "-f", "-o", "yaml")
    await following.prints("---")
    line = await following.prints("sentence")
    assert yaml.safe_load(line)["sentence"].startswith("admin created it")
    following.interrupt()
    await following.ended()


async def test_the_story_of_nobody_is_exit_code_3(paasctl: Paasctl) -> None:
    assert (await paasctl("db", "events", "nobody", "-f")).code == 3


async def test_watching_without_a_terminal_is_a_line_for_each_event_and_survives_the_controller(
    paasctl: Paasctl, tmp_path: Path, body: Body, name: str
) -> None:
    program, own = await start_controller(tmp_path / "own", free_port())
    try:
        mine = paasctl.with_(PAAS_URL=own.url, PAAS_TOKEN=own.token)
        async with connect(own.url, own.token) as client:
            await client.middleware.create(body(name))
            watching, both = await mine.start("mw", "watch"), await mine.start("watch", "-o", "json")
            async with held_and_released(client, name):
                await watching.prints(f"middleware/{name}  not-installed  admin")
                await both.prints("admin released it")
            await client.database.create(body(name))
            await both.prints('"kind": "database"')
            program.kill()
            await watching.says("cannot be reached: connection refused; trying again")
            program.start()
            await until_ready(program, own.url)
            await client.middleware.expect(name, "stopped")
            await watching.prints("admin expects stopped")
        for running in (watching, both):
            running.interrupt()
            ended = await running.ended()
            assert (ended.code, "database/" in ended.out) == (130, False)
    finally:
        program.kill()


@pytest.mark.parametrize("choice", [["-l", "a:b"], ["--host", "192.168.19.100:3335"], ["--drift"]])
async def test_rows_of_the_table_cannot_be_chosen_where_there_is_none(paasctl: Paasctl, choice: list[str]) -> None:
    for form in ("table", "json"):
        refused = await paasctl("db", "watch", *choice, "-o", form)
        assert (refused.code, refused.out) == (2, "")
        assert "choose rows of the table" in refused.err


async def test_on_a_terminal_the_table_is_drawn_anew_whenever_something_happens(
    paasctl: Paasctl, client: Client, name: str, body: Body
) -> None:
    for suffix in ("a", "b"):
        await client.database.create(body(f"{name}-{suffix}") | {"labels": {"test": "watch"}})
    async with on_terminal(paasctl, "db", "watch", "-l", "test:watch") as shows:
        await shows(f"database {name}-a not-installed not-installed - - database {name}-b")
        await client.database.expect(f"{name}-b", "running")
        await shows(f"database {name}-b running not-installed")
        await shows(f"database {name}-a not-installed not-installed - -")


@asynccontextmanager
async def held_and_released(client: Client, name: str) -> AsyncIterator[None]:
    """Something happens all the time, as long as it takes until somebody listens."""

    async def happening() -> None:
        while True:
            await client.middleware.hold(name)
            await client.middleware.release(name)
            await asyncio.sleep(0.1)

    task = asyncio.create_task(happening())
    yield
    task.cancel()
    await asyncio.wait({task})


@asynccontextmanager
async def on_terminal(paasctl: Paasctl, *arguments: str) -> AsyncIterator[Callable[[str], Awaitable[None]]]:
    """The command on a terminal of 40 lines; what it shows is waited for, each after the one before."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 200, 0, 0))
    process = await asyncio.create_subprocess_exec(
        paasctl.command, *arguments, stdin=theirs, stdout=theirs, stderr=theirs, env=paasctl.environment
    )
    os.close(theirs)
    os.set_blocking(ours, False)
    seen = ""

    async def shows(text: str) -> None:
        nonlocal seen

        async def look() -> bool:
            nonlocal seen
            with suppress(BlockingIOError):
                seen += os.read(ours, 65536).decode()
            return text in plain(seen)

        await until(look, f"{text!r} to be shown in {plain(seen)!r}")
        seen = plain(seen).partition(text)[2]

    yield shows
    process.send_signal(signal.SIGINT)
    assert await process.wait() == 130
    os.close(ours)


def plain(drawn: str) -> str:
    """Without the sequences that move the cursor and colour the text, and with one space for many."""
    return " ".join(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", " ", drawn).split())
