"""Which database stands behind a URL."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from paas_controller.base.errors import PaasError
from paas_controller.store.database import Database, parsed, unusable
from paas_controller.store.sqlite import open_sqlite


def open_database(url: str) -> Database:
    """SQLite's file or PostgreSQL's database; PaasError where the URL cannot be read. Nothing is connected to yet."""
    parts = parsed(url)
    if parts.get_backend_name() == "sqlite":
        return open_sqlite(parts)
    from paas_controller.store.postgres import open_postgres  # noqa: PLC0415 - its driver is for those who use it

    return open_postgres(parts)


def file_of(url: str) -> Path | None:
    """The file of an SQLite database."""
    parts = parsed(url)
    return Path(parts.database or "").resolve() if parts.get_backend_name() == "sqlite" else None


@contextmanager
def transaction(url: str, *, may_be_new: bool = True) -> Iterator[Connection]:
    """One transaction, for who needs no store. PaasError where the database cannot be used, or a controller uses it."""
    if not may_be_new and (file := file_of(url)) and not file.is_file():
        raise PaasError(f"there is no file {file}")
    with closing(open_database(url)) as database, ExitStack() as stack:
        try:
            connection = stack.enter_context(database.writing.begin())
        except DBAPIError as error:
            raise unusable(database.name, error) from None
        yield connection
