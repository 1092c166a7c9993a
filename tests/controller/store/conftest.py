"""A store with one table, on a real file."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from paas_controller.store.store import Store
from tests.testbeds.small_disk import small_disk


def url(folder: Path) -> str:
    return f"sqlite:///{folder / 'controller.db'}"


def add(note: str) -> object:
    """A command that keeps one note, and answers with it; a note is kept once."""

    def command(connection: Connection) -> str:
        connection.execute(text("INSERT INTO note VALUES (:note)"), {"note": note})
        return note

    return command


def notes(connection: Connection) -> list[str]:
    return list(connection.execute(text("SELECT note FROM note ORDER BY rowid")).scalars())


async def opened(folder: Path) -> Store:
    store = await Store.open(url(folder))
    await store.write(lambda c: c.execute(text("CREATE TABLE IF NOT EXISTS note (note TEXT UNIQUE NOT NULL)")) and None)
    return store


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await opened(tmp_path)
    yield store
    await store.close()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one MiB."""
    with small_disk(tmp_path / "disk", "1m") as disk:
        yield disk
