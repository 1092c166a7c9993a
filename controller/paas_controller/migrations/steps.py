"""From one revision to another by Alembic, forward and back. All of it happens in the caller's transaction."""

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, inspect
from sqlalchemy.pool import StaticPool

from paas_controller.base.errors import PaasError
from paas_controller.migrations.schema import VERSIONS, known, revision
from paas_controller.store.database import named

_log = logging.getLogger(__name__)


def config(connection: Connection, versions: Path = VERSIONS) -> Config:
    """What Alembic works with: our environment, these revisions, this connection."""
    made = Config()
    for name, folder in (("script_location", Path(__file__).parent), ("version_locations", versions)):
        made.set_main_option(name, str(folder).replace("%", "%%"))
    made.set_main_option("path_separator", "newline")
    made.attributes["connection"] = connection
    return made


def upgrade(connection: Connection, versions: Path = VERSIONS) -> None:
    """To the newest revision. PaasError for a database of a newer release, or of none."""
    numbers, found = known(versions), revision(connection)
    _must_know(connection, found, numbers)
    if not found and _is_of_the_first(connection, numbers[0], versions):
        command.stamp(config(connection, versions), found := numbers[0])
    if found and found != numbers[-1]:
        _keep_copy(connection, numbers[-1])
    command.upgrade(config(connection, versions), "head")
    _log.info("the tables of %s are at revision %s%s", named(connection), numbers[-1], f", from {found}" * bool(found))


def go(connection: Connection, number: str, versions: Path = VERSIONS) -> None:
    """To this revision, forward or back. PaasError where the database or this program does not know it."""
    numbers, found = known(versions), revision(connection)
    if number not in numbers:
        raise PaasError(f"there is no revision {number}; there are {', '.join(numbers)}")
    if not found:
        raise PaasError(f"{named(connection)} holds nothing to migrate")
    _must_know(connection, found, numbers)
    if found != number:
        _keep_copy(connection, number)
        step = command.upgrade if number > found else command.downgrade
        step(config(connection, versions), number)


def _must_know(connection: Connection, found: str, numbers: list[str]) -> None:
    if found and found not in numbers:
        told = f"{named(connection)} is at revision {found} of a newer release; this one knows {numbers[-1]} at most"
        go_back = f"take it back by that release: paas-controller migrate --to {numbers[-1]}"
        raise PaasError(f"{told}; start that release, or {go_back}")


def _is_of_the_first(connection: Connection, number: str, versions: Path) -> bool:
    """Whether the tables of the first revision are there, from before revisions were written down."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    with engine.begin() as empty:
        command.upgrade(config(empty, versions), number)
        wanted = {table: columns for table, columns in _columns(empty).items() if table != "alembic_version"}
    engine.dispose()
    there = {table: columns for table, columns in _columns(connection).items() if table in wanted}
    if there and there != wanted:
        raise PaasError(f"{named(connection)} holds tables that no release made; give the controller an empty database")
    return bool(there)


def _columns(connection: Connection) -> dict[str, set[str]]:
    """The columns of each table."""
    known = inspect(connection)
    return {table: {column["name"] for column in known.get_columns(table)} for table in known.get_table_names()}


def _keep_copy(connection: Connection, number: str) -> None:
    """Keeps SQLite's file as it is before it goes to this revision."""
    if connection.dialect.name != "sqlite":
        return
    file = Path(connection.engine.url.database or "")
    copy, part = file.with_name(f"{file.name}.before-{number}"), file.with_name(f".{file.name}.before-{number}")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    try:
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(part)) as target:
            source.backup(target)
    except sqlite3.Error as error:
        part.unlink()
        raise PaasError(f"no copy of {file} could be kept before its migration: {error}; make room for it") from None
    part.replace(copy)
    _log.info("%s keeps the database as it was before revision %s", copy, number)
