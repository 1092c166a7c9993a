"""From one database to another, in both directions, with rows in every table; whole, or nothing of it."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, inspect, text
from sqlmodel import SQLModel

from paas_controller.base.errors import PaasError
from paas_controller.migrations.move import move
from paas_controller.migrations.schema import bring_up_to_date, known
from paas_controller.store.engines import transaction
from tests.controller.agents import Agent
from tests.controller.shell import Shell
from tests.controller.store.rows import everything, fill, row
from tests.testbeds.postgres import Server

KINDS = ("sqlite", "postgres")


def _database(request: pytest.FixtureRequest, tmp_path: Path, name: str) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / name / 'controller.db'}"
    else:
        server: Server = request.getfixturevalue("postgres")
        with server.database() as url:
            yield url


@pytest.fixture(params=KINDS, ids=[f"from {kind}" for kind in KINDS])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    for url in _database(request, tmp_path, "source"):
        with transaction(url) as connection:
            bring_up_to_date(connection)
        yield url


@pytest.fixture(params=KINDS, ids=[f"to {kind}" for kind in KINDS])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    yield from _database(request, tmp_path, "target")


def _quietly(table: str, rows: int) -> None:
    """Nobody looks at the progress."""


def _next_numbers(connection: Connection) -> dict[str, int]:
    """What each table that counts by itself gives to a new row."""
    given = {}
    for table in SQLModel.metadata.sorted_tables:
        if (number := table.autoincrement_column) is not None and table.kwargs.get("sqlite_autoincrement"):
            given[table.name] = connection.execute(insert(table).returning(number), row(table, 999)).scalar_one()
    return given


def test_rows_of_every_table_arrive_with_progress_and_the_source_stays_as_it_was(source: str, target: str) -> None:
    with transaction(source) as connection:
        before = fill(connection, rows=1234)
    told: dict[str, int] = {}
    moved = move(source, target, lambda table, rows: told.update({table: rows}))
    with transaction(source) as there, transaction(target) as here:
        assert everything(there) == before
        assert everything(here) == before
    assert told == dict.fromkeys(before, 1234)
    assert moved == 1234 * len(before)


def test_no_number_is_given_twice(source: str, target: str) -> None:
    with transaction(source) as connection:
        fill(connection)
        assert set(_next_numbers(connection).values()) == {4}
        for table in SQLModel.metadata.sorted_tables:
            if (number := table.autoincrement_column) is not None:
                connection.execute(table.delete().where(number >= 3))
    move(source, target, _quietly)
    with transaction(target) as connection:
        assert set(_next_numbers(connection).values()) == {5}


def test_what_was_never_used_can_be_moved_and_used(source: str, target: str) -> None:
    assert move(source, target, _quietly) == 0
    with transaction(target) as connection:
        assert set(_next_numbers(connection).values()) == {1}


def test_a_target_that_was_made_and_never_used_is_empty(source: str, target: str) -> None:
    with transaction(source) as connection:
        before = fill(connection)
    with transaction(target) as connection:
        bring_up_to_date(connection)
    move(source, target, _quietly)
    with transaction(target) as connection:
        assert everything(connection) == before


def test_a_target_with_rows_is_refused_and_keeps_them(source: str, target: str) -> None:
    with transaction(source) as connection:
        fill(connection, rows=2)
    with transaction(target) as connection:
        bring_up_to_date(connection)
        before = fill(connection)
    with pytest.raises(PaasError, match=r"holds 3 rows of \w+ already; name an empty database"):
        move(source, target, _quietly)
    with transaction(target) as connection:
        assert everything(connection) == before


@pytest.mark.parametrize("end", ["source", "target"])
def test_other_revisions_than_this_releases_are_refused(source: str, target: str, end: str) -> None:
    with transaction(target) as connection:
        bring_up_to_date(connection)
    with transaction(source if end == "source" else target) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    told = "start the controller of this release on it once" if end == "source" else f"and not at {known()[-1]}; name"
    with pytest.raises(PaasError, match=f"is at revision 0000.*{told}"):
        move(source, target, _quietly)


def test_a_source_that_no_controller_ever_used_is_refused(target: str, tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "empty.db").close()
    with pytest.raises(PaasError, match="has no revision written down; start the controller of this release on it"):
        move(f"sqlite:///{tmp_path / 'empty.db'}", target, _quietly)


def test_a_move_that_breaks_off_leaves_nothing(source: str, target: str) -> None:
    with transaction(source) as connection:
        fill(connection)
    with transaction(target) as connection:
        connection.execute(text("CREATE TABLE operation_of (theirs TEXT)"))  # the name of an index
    with pytest.raises(PaasError, match=r"the move broke off \(.*operation_of.*\); .* is as it was"):
        move(source, target, _quietly)
    with transaction(target) as connection:
        assert inspect(connection).get_table_names() == ["operation_of"]


def test_a_database_in_use_is_not_moved(postgres: Server, tmp_path: Path) -> None:
    with postgres.database() as used, transaction(used), pytest.raises(PaasError, match="another controller"):
        move(used, f"sqlite:///{tmp_path / 'controller.db'}", _quietly)


def test_a_file_that_is_not_there_is_not_made(target: str, tmp_path: Path) -> None:
    with pytest.raises(PaasError, match=r"there is no file .*typo.db"):
        move(f"sqlite:///{tmp_path / 'typo.db'}", target, _quietly)
    assert not (tmp_path / "typo.db").exists()


def test_a_database_is_not_moved_onto_itself(source: str) -> None:
    with pytest.raises(PaasError, match="from and to are the same database"):
        move(source, source, _quietly)


async def test_a_controller_goes_on_with_what_ran_before_the_move(source: str, target: str, tmp_path: Path) -> None:
    shell = Shell(tmp_path / "data", settings={"database_url": source})
    await shell.start()
    agent = Agent(shell)
    await agent.start()
    await agent.join()
    await shell.create(agent.host)
    await shell.put("/database/db/running")
    await agent.obeys("install", "start")
    await shell.becomes("running")
    before = (await shell.get("/database/db")).body
    await shell.stop()

    move(source, target, _quietly)
    shell.settings["database_url"] = target
    await shell.start()
    await agent.report()
    assert (await shell.get("/database/db")).body == before
    await shell.put("/database/db/stopped")
    await agent.obeys("stop")
    await shell.becomes("stopped")
    await agent.stop()
    await shell.stop()
