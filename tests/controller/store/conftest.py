"""A store with one table, on a real database."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from paas_controller.store.store import Store
from tests.testbeds.small_disk import small_disk


def add(note: str) -> object:
    """A command that keeps one note, and answers with it; a note is kept once."""

    def command(connection: Connection) -> str:
        connection.execute(text("INSERT INTO note (note) VALUES (:note)"), {"note": note})
        return note

    return command


def notes(connection: Connection) -> list[str]:
    return list(connection.execute(text("SELECT note FROM note ORDER BY number")).scalars())


def make_table(connection: Connection) -> None:
    number = "INTEGER PRIMARY KEY" if connection.dialect.name == "sqlite" else "BIGSERIAL PRIMARY KEY"
    connection.execute(text(f"CREATE TABLE IF NOT EXISTS note (number {number}, note TEXT UNIQUE NOT NULL)"))


async def opened(url: str) -> Store:
    return await Store.open(url, make_table)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    store = await opened(database_url)
    yield store
    await store.close()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one MiB."""
    with small_disk(tmp_path / "disk", "1m") as disk:
        yield disk
