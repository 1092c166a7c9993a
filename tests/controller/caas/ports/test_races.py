"""Two programs at once on one PostgreSQL: no port is given twice, and nobody is refused."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from paas_controller.caas.ports import rows
from paas_controller.caas.ports.pool import Pool
from paas_controller.store.engines import transaction
from tests.testbeds.postgres import Server

TAKER = Path(__file__).with_name("taker.py")


@pytest.fixture
def database_url(postgres: Server, made_database: str) -> Iterator[str]:
    with postgres.database(like=made_database) as url:
        yield url


async def taker(url: str, app: str, count: int) -> asyncio.subprocess.Process:
    """One that is ready to begin."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, TAKER, url, app, str(count), stdin=pipe, stdout=pipe, stderr=pipe
    )
    assert process.stdout
    assert await process.stdout.readline() == b"ready\n"
    return process


async def ports_of(process: asyncio.subprocess.Process) -> list[int]:
    out, err = await process.communicate(b"\n")
    assert process.returncode == 0, err.decode()
    return [int(line) for line in out.split()]


async def test_two_who_take_two_hundred_ports_at_once_are_never_given_the_same(database_url: str) -> None:
    with transaction(database_url) as connection:
        rows.add_pool(connection, Pool("web", "here", "node-port", 30000, 30199))
    takers = [await taker(database_url, app, 100) for app in ("app.one", "app.two")]
    one, two = await asyncio.gather(*map(ports_of, takers))
    assert sorted(one + two) == list(range(30000, 30200))
    with transaction(database_url) as connection:
        kept = {held.port: held.owner for held in rows.busy(connection, 0, cluster="here")}
    assert kept == dict.fromkeys(one, "app.one") | dict.fromkeys(two, "app.two")
