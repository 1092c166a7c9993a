"""What only PostgreSQL can do to a store: go away, come back, be taken by another, be cut off around a commit."""

import asyncio
import os
import random
import shutil
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from paas_controller.base.errors import PaasError, Retryable
from paas_controller.store.store import Store
from tests.controller.store.conftest import add, notes, opened
from tests.testbeds.lossy import Moment, lossy
from tests.testbeds.postgres import Server
from tests.testbeds.small_disk import small_disk
from tests.testbeds.stack import until

_NO_ROOM = "the database cannot write now (could not extend"


@pytest.fixture
def database_url(postgres: Server) -> Iterator[str]:
    with postgres.database() as url:
        yield url


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for a lock that another one has."""
    monkeypatch.setattr("paas_controller.store.postgres._PATIENCE", "2s")


@pytest.fixture
async def on_own(own_postgres: Server) -> AsyncIterator[Store]:
    """A store on it."""
    with own_postgres.database() as url:
        store = await opened(url)
        yield store
        await store.close()


def _name(url: str) -> str:
    return str(make_url(url).database)


# The server goes away


async def test_while_the_server_is_away_it_is_told_and_afterwards_it_goes_on(
    on_own: Store, own_postgres: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "paas_controller.store")
    await on_own.write(add("before"))
    with own_postgres.away():
        for _ in range(2):
            with pytest.raises(
                Retryable, match=r"the database cannot write now \(.*\); nothing was changed, try again"
            ):
                await on_own.write(add("meanwhile"))
            with pytest.raises(Retryable, match="the database cannot be read now"):
                await on_own.read(notes)
    assert await on_own.write(add("after")) == "after"
    assert await on_own.read(notes) == ["before", "after"]
    gone, back = caplog.messages
    assert gone.startswith("the database cannot write now")
    assert back == "the database can be written to again"


async def test_what_was_told_is_true_of_each_when_the_server_is_killed_among_many(
    on_own: Store, own_postgres: Server
) -> None:
    writing = [asyncio.create_task(on_own.write(add(str(number)))) for number in range(3000)]
    while not any(task.done() for task in writing):
        await asyncio.sleep(0)
    with own_postgres.away(Server.kill):
        await asyncio.sleep(0)
    told = await asyncio.gather(*writing, return_exceptions=True)
    kept = [result for result in told if isinstance(result, str)]
    assert all(isinstance(result, str | Retryable) for result in told)
    assert kept
    assert await on_own.read(notes) == kept


async def test_sessions_that_are_cut_are_made_anew(store: Store, postgres: Server, database_url: str) -> None:
    await store.write(add("before"))
    await store.read(notes)
    postgres.cut(database_url)
    assert await store.write(add("after")) == "after"
    assert await store.read(notes) == ["before", "after"]


async def test_a_session_that_is_cut_in_the_middle_takes_the_whole_batch_with_it(
    store: Store, postgres: Server, database_url: str
) -> None:
    begun, go = threading.Event(), threading.Event()
    before = asyncio.create_task(store.write(lambda _: begun.set() or go.wait(20)))
    await asyncio.to_thread(begun.wait)
    commands = (add("one"), lambda _: postgres.cut(database_url), add("two"))
    batch = [asyncio.create_task(store.write(command)) for command in commands]
    await asyncio.sleep(0)
    go.set()
    assert await before
    told = await asyncio.gather(*batch, return_exceptions=True)
    assert all(isinstance(result, Retryable) for result in told)
    assert await store.read(notes) == []
    assert await store.write(add("one")) == "one"


@pytest.mark.parametrize("moment", ["before the commit", "after the commit"])
async def test_a_commit_whose_answer_is_lost_is_looked_up(postgres: Server, database_url: str, moment: Moment) -> None:
    with tempfile.TemporaryDirectory() as folder, lossy(Path(folder), postgres.folder) as way:
        store = await opened(database_url.replace(str(postgres.folder), folder))
        way.breaks = moment
        if moment == "before the commit":
            with pytest.raises(Retryable, match="nothing was changed"):
                await store.write(add("doubtful"))
        else:
            assert await store.write(add("doubtful")) == "doubtful"
        assert await store.read(notes) == ["doubtful"] * (moment == "after the commit")
        await store.close()


async def test_a_database_that_is_only_to_be_read_is_told_and_written_to_again_later(
    store: Store, postgres: Server, database_url: str
) -> None:
    name = _name(database_url)
    postgres.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    postgres.cut(database_url)
    with pytest.raises(Retryable, match=r"cannot execute INSERT in a read-only transaction.*try again"):
        await store.write(add("refused"))
    postgres.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    postgres.cut(database_url)
    assert await store.write(add("taken")) == "taken"


async def test_a_full_disk_is_told_and_written_to_again_when_there_is_space(own_postgres: Server) -> None:
    with tempfile.TemporaryDirectory() as folder, small_disk(Path(folder) / "disk", "16m") as disk:
        os.chmod(folder, 0o711)
        shutil.chown(disk, "nobody", "nogroup")
        own_postgres.execute(f"CREATE TABLESPACE small LOCATION '{disk}'")
        with own_postgres.database() as url:
            own_postgres.execute(f"ALTER DATABASE {_name(url)} SET default_tablespace = small")
            store = await opened(url)
            (disk / "ballast").write_bytes(bytes((15 << 20) + 500_000))
            written = (store.write(add(f"{number} {random.randbytes(1000).hex()}")) for number in range(500))
            told = await asyncio.gather(*written, return_exceptions=True)
            kept = [result for result in told if isinstance(result, str)]
            refused = [result for result in told if not isinstance(result, str)]
            assert await store.read(notes) == kept
            assert {str(error).partition(" file ")[0] for error in refused} == {_NO_ROOM}
            (disk / "ballast").unlink()
            assert await store.write(add("after")) == "after"
            await store.close()
        own_postgres.execute("DROP TABLESPACE small")


# One controller a database


async def test_a_second_controller_is_refused_and_told_which_one_works_there(store: Store, database_url: str) -> None:
    with pytest.raises(PaasError, match=r"another controller \(on .*, process \d+\) works in postgresql://paas@/test"):
        await Store.open(database_url)


async def test_when_one_has_ended_the_next_may_work(database_url: str) -> None:
    for number in range(2):
        store = await opened(database_url)
        await store.write(add(str(number)))
        await store.close()


async def test_a_controller_whose_place_was_taken_writes_no_more(
    store: Store, postgres: Server, database_url: str
) -> None:
    successor = await _take_the_place(postgres, database_url)
    with pytest.raises(PaasError, match="another controller"):
        await store.write(add("too late"))
    assert "another controller" in await store.ousted
    assert await successor.read(notes) == []
    await successor.close()


async def test_a_controller_with_nothing_to_write_finds_out_by_itself(
    store: Store, postgres: Server, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paas_controller.store.store._LOOK", 0.05)
    await store.write(add("the last"))
    successor = await _take_the_place(postgres, database_url)
    assert "another controller" in await asyncio.wait_for(store.ousted, 20)
    await successor.close()


async def _take_the_place(postgres: Server, url: str) -> Store:
    """Another controller waits for the lock when the one that has it is cut off."""
    locks = f"pg_locks JOIN pg_database ON database = oid WHERE locktype = 'advisory' AND datname = '{_name(url)}'"
    successor = asyncio.create_task(opened(url))

    async def waits() -> bool:
        return bool(postgres.execute(f"SELECT 1 FROM {locks} AND NOT granted"))

    await until(waits, "another one to wait for the lock", 5)
    postgres.execute(f"SELECT pg_terminate_backend(pid) FROM {locks} AND granted")
    return await successor


async def test_to_own_the_database_is_right_enough(postgres: Server, database_url: str) -> None:
    name = _name(database_url)
    postgres.execute("CREATE ROLE clerk LOGIN")
    postgres.execute(f"ALTER DATABASE {name} OWNER TO clerk")
    url = database_url.replace("paas@", "clerk@")
    store = await opened(url)
    await store.write(add("first"))
    with pytest.raises(PaasError, match=r"another controller \(on .*, process \d+\) works in postgresql://clerk@"):
        await Store.open(url)
    postgres.cut(database_url)
    assert await store.write(add("second")) == "second"
    await store.close()


async def test_databases_of_one_server_do_not_get_into_each_others_way(store: Store, postgres: Server) -> None:
    with postgres.database() as url:
        other = await opened(url)
        assert await other.write(add("here, too")) == "here, too"
        await other.close()


# What it says, and what it does not say


@pytest.mark.parametrize("where", ["nowhere", "test0?host=/nowhere", "x?host=127.0.0.1&port=1&connect_timeout=1"])
async def test_a_database_that_cannot_be_reached_is_named_without_its_password(postgres: Server, where: str) -> None:
    url = f"postgresql://paas:kept-secret@/{where}"
    if "host" not in url:
        url += f"?host={postgres.folder}&password=kept-secret"
    with pytest.raises(PaasError, match="cannot be used: ") as refused:
        await Store.open(url)
    assert refused.value.message.startswith("postgresql://paas@/")
    assert "kept-secret" not in refused.value.message
    assert "\n" not in refused.value.message


@pytest.mark.parametrize("wrong", ["postgresql://paas:p@ss:w/rd@host:x/db", "postgresql://[::1/db"])
async def test_a_url_that_cannot_be_read_is_not_repeated(wrong: str) -> None:
    with pytest.raises(PaasError, match="the database URL cannot be read; in a password, write @ as %40") as refused:
        await Store.open(wrong)
    assert wrong not in refused.value.message


async def test_what_it_will_never_take_is_no_matter_of_trying_again(store: Store) -> None:
    with pytest.raises(DBAPIError, match="exceeds btree version"):
        await store.write(add(random.randbytes(4000).hex()))
    assert await store.write(add("next")) == "next"


async def test_text_with_a_nul_is_kept_without_it(store: Store) -> None:
    await store.write(add("a\0b"))
    assert await store.read(notes) == ["a\N{REPLACEMENT CHARACTER}b"]
    found = await store.read(lambda c: c.execute(text("SELECT 1 FROM note WHERE note = :n"), {"n": "a\0b"}).scalar())
    assert found == 1
