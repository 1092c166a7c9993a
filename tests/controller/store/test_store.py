import asyncio
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, IntegrityError, InvalidRequestError

from paas_controller.base.errors import Conflict, Retryable
from paas_controller.store.engines import open_database
from paas_controller.store.store import Store
from tests.controller.store.conftest import add, notes, opened

ROOT = Path(__file__).parents[3]


async def test_what_was_written_can_be_read(store: Store) -> None:
    assert await store.write(add("first")) == "first"
    assert await store.read(notes) == ["first"]


async def test_a_failing_command_takes_nothing_with_it(store: Store) -> None:
    def half(connection: Connection) -> None:
        add("half")(connection)
        raise Conflict("it stands against what is there")

    written = (store.write(command) for command in (add("before"), half, add("after")))
    before, failed, after = await asyncio.gather(*written, return_exceptions=True)
    assert (before, after) == ("before", "after")
    assert isinstance(failed, Conflict)
    assert await store.read(notes) == ["before", "after"]


async def test_what_the_database_refuses_is_told_to_the_one_who_asked(store: Store) -> None:
    written = (store.write(add(note)) for note in ("one", "one", "two"))
    first, again, other = await asyncio.gather(*written, return_exceptions=True)
    assert (first, other) == ("one", "two")
    assert isinstance(again, IntegrityError)


async def test_what_no_database_could_do_is_no_matter_of_trying_again(store: Store) -> None:
    with pytest.raises(DBAPIError, match="nowhere"):
        await store.write(lambda connection: connection.execute(text("DELETE FROM nowhere")))
    with pytest.raises(DBAPIError, match="nowhere"):
        await store.read(lambda connection: connection.execute(text("SELECT * FROM nowhere")))


@pytest.mark.parametrize("ending", ["commit", "rollback"])
async def test_a_command_that_ends_the_transaction_of_others_fails_alone_and_the_writer_goes_on(
    store: Store, ending: str
) -> None:
    with pytest.raises(InvalidRequestError):
        await store.write(lambda connection: getattr(connection, ending)())
    assert await store.write(add("next")) == "next"


async def test_nothing_is_said_to_be_kept_before_another_can_see_it(store: Store, database_url: str) -> None:
    other = open_database(database_url)
    for number in range(20):
        await store.write(add(str(number)))
        with other.reading.connect() as connection:
            assert len(notes(connection)) == number + 1
    other.close()


async def test_a_thousand_writes_at_once_are_all_there(store: Store) -> None:
    expected = [str(number) for number in range(1000)]
    assert await asyncio.gather(*(store.write(add(note)) for note in expected)) == expected
    assert await store.read(notes) == expected


async def test_commands_run_in_the_order_in_which_they_were_asked_for(store: Store) -> None:
    first = asyncio.create_task(store.write(add("first")))
    second = asyncio.create_task(store.write(notes))
    await asyncio.gather(first, second)
    assert second.result() == ["first"]


async def test_reading_goes_on_while_something_is_written(store: Store) -> None:
    read = threading.Event()

    def slow(connection: Connection) -> bool:
        add("not yet")(connection)
        return read.wait(20)

    writing = asyncio.create_task(store.write(slow))
    assert await store.read(notes) == []
    read.set()
    assert await writing


async def test_a_command_that_nobody_waits_for_any_more_is_not_begun(store: Store) -> None:
    go = threading.Event()
    first = asyncio.create_task(store.write(lambda _: go.wait(20)))
    given_up = asyncio.create_task(store.write(add("given up")))
    await asyncio.sleep(0)
    given_up.cancel()
    await asyncio.gather(given_up, return_exceptions=True)
    go.set()
    assert await first
    assert await store.read(notes) == []


async def test_closing_waits_until_everything_is_kept(database_url: str) -> None:
    store = await opened(database_url)
    writing = [asyncio.create_task(store.write(add(str(number)))) for number in range(100)]
    await asyncio.sleep(0)
    await store.close()
    assert len(await asyncio.gather(*writing)) == 100
    again = await opened(database_url)
    assert len(await again.read(notes)) == 100
    await again.close()


async def test_kill_9_loses_nothing_that_was_said_to_be_kept(database_url: str) -> None:
    program = [sys.executable, "-m", "tests.controller.store.writer", database_url]
    with subprocess.Popen(program, cwd=ROOT, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        told = [writer.stdout.readline().strip() for _ in range(500)]
        writer.kill()
        told += [line.strip() for line in writer.stdout if line.endswith("\n")]
    store = await opened(database_url)
    kept = await store.read(notes)
    assert all(told)
    assert set(told) <= set(kept)
    if database_url.startswith("sqlite"):
        assert await store.read(lambda c: c.execute(text("PRAGMA integrity_check")).scalar()) == "ok"
    await store.close()


async def test_a_full_disk_is_told_and_written_to_again_when_there_is_space(disk: Path) -> None:
    store, ballast = await opened(f"sqlite:///{disk / 'controller.db'}"), disk / "ballast"
    await store.write(add("before"))
    _fill(ballast)
    told = [await _refused(store, f"{number} {'x' * 8192}") for number in range(3)]
    assert all("nothing was changed, try again" in sentence for sentence in told)
    assert await store.read(notes) == ["before"]
    ballast.unlink()
    assert await store.write(add("after")) == "after"
    assert await store.read(notes) == ["before", "after"]
    await store.close()


async def test_on_a_full_disk_each_of_many_is_told(disk: Path) -> None:
    store = await opened(f"sqlite:///{disk / 'controller.db'}")
    _fill(disk / "ballast")
    written = (store.write(add(f"{number} {'x' * 8192}")) for number in range(300))
    results = await asyncio.gather(*written, return_exceptions=True)
    kept = [result for result in results if isinstance(result, str)]
    assert any(isinstance(result, Retryable) for result in results)
    assert all(isinstance(result, str | Retryable) for result in results)
    assert await store.read(notes) == kept
    await store.close()


def _fill(file: Path) -> None:
    """Writes until the disk is full."""
    with file.open("wb", buffering=0) as full, suppress(OSError):
        while True:
            full.write(bytes(4096))


async def _refused(store: Store, note: str) -> str:
    with pytest.raises(Retryable) as refused:
        await store.write(add(note))
    return refused.value.message
