"""What the store works on: one connection to write by, a few to read by, and how a commit is made sure of."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from sqlalchemy import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError

from paas_controller.base.errors import PaasError, Retryable

READERS = 4
_PASSING = ("08", "25006", "40", "53", "55", "57", "58")
"""What PostgreSQL's SQLSTATE begins with: connection, read only, rollback, resources, locks, operator, system."""
_PASSING_CODES = {
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Database:
    """`name` is the URL as people may see it; `commit` raises where it is not certain that nothing is missing."""

    name: str
    writing: Engine
    """Of one connection; on PostgreSQL it holds the lock that keeps other controllers away."""
    reading: Engine
    commit: Callable[[Connection], None]

    def close(self) -> None:
        self.writing.dispose()
        self.reading.dispose()


class Ousted(PaasError):
    """Another controller has taken the database: this one must end."""

    status, grpc, code = 503, "UNAVAILABLE", "ousted"


def parsed(url: str) -> URL:
    """The URL in its parts. PaasError where it cannot be read; it may hold a password and is not repeated."""
    try:
        found = make_url(url)
    except (ArgumentError, ValueError):
        told = "the database URL cannot be read; in a password, write @ as %40, : as %3A, / as %2F"
        raise PaasError(told) from None
    if found.drivername not in ("sqlite", "postgresql"):
        told = f"a database of {found.drivername}:// cannot be used; give postgresql://USER@HOST/DATABASE"
        raise PaasError(f"{told} or sqlite:///FILE")
    return found


def shown(url: URL) -> str:
    """The URL without its password."""
    if url.get_backend_name() == "sqlite":
        return url.render_as_string()
    where = {key: value for key, value in url.query.items() if key in ("host", "port")}
    bare = URL.create("postgresql", url.username, None, url.host, url.port, url.database, where)
    return unquote(bare.render_as_string())


def named(connection: Connection) -> str:
    """The database behind a connection, as people may see it."""
    return shown(connection.engine.url)


def is_passing(error: BaseException) -> bool:
    """Whether the database cannot do it now and may later: it is gone, full, locked or read only."""
    if not isinstance(error, DBAPIError):
        return False
    if state := getattr(error.orig, "sqlstate", None):
        return str(state).startswith(_PASSING)
    if code := getattr(error.orig, "sqlite_errorcode", None):
        return int(code) & 0xFF in _PASSING_CODES
    return error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)


def unusable(name: str, error: DBAPIError) -> PaasError:
    """The error for whoever named this database: what the driver said, and what to do where the file is spoiled."""
    spoiled = getattr(error.orig, "sqlite_errorcode", 0) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    hint = "; bring back a copy of it, or name another one" if spoiled else ""
    return PaasError(f"{name} cannot be used: {cause(error)}{hint}")


def unwritten(error: BaseException) -> Retryable:
    """The error for whoever asked to write."""
    return Retryable(f"the database cannot write now ({cause(error)}); nothing was changed, try again")


def unread(error: BaseException) -> Retryable:
    """The error for whoever asked to read."""
    return Retryable(f"the database cannot be read now ({cause(error)}); try again")


def cause(error: BaseException) -> str:
    """What the driver said, in one line."""
    said = str(error.orig if isinstance(error, DBAPIError) else error)
    return said.partition("\n")[0].strip() or type(error).__name__
