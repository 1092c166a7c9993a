"""PostgreSQL by URL. One controller writes to a database: its connection holds a lock there, and with the lock goes
the right to write, so that a controller that was cut off can never write beside the one that took its place.
"""

import os
import secrets
import socket
import time
from typing import Any

import psycopg
from psycopg.types.string import StrDumper
from sqlalchemy import URL, Connection, Dialect, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from paas_controller.base.errors import Retryable
from paas_controller.store.database import READERS, Database, Ousted, is_passing, shown

_LOCK = 0x70616173
_PATIENCE = "3s"
"""How long a session of a controller that was just killed may keep the lock."""
_DOUBT = 30.0
"""Seconds to find out whether a commit was kept whose answer was lost."""
# A server that is cut off is found out within half a minute, by either side.
_CONNECT = {"connect_timeout": 5, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
_TCP = {"tcp_user_timeout": 10_000}
_SESSION = ("tcp_keepalives_idle = 10", "tcp_keepalives_interval = 5", "tcp_keepalives_count = 3")


def open_postgres(url: URL) -> Database:
    """For `postgresql://USER@HOST/DATABASE`; whatever else libpq knows stands behind a question mark."""
    name = shown(url)
    writing, reading = _engine(url, 1), _engine(url, READERS, isolation_level="REPEATABLE READ")
    ourselves = f"paas-controller {socket.gethostname()[:24]} {os.getpid()} {secrets.token_hex(4)}"

    @event.listens_for(writing, "do_connect")
    def connect(dialect: Dialect, _: ConnectionPoolEntry, args: Any, more: dict[str, Any]) -> Any:
        connection: Any = dialect.connect(*args, **{**more, "application_name": ourselves})
        try:
            _take_lock(connection, ourselves, name)
        except BaseException:
            connection.close()
            raise
        return connection

    return Database(name, writing, reading, commit=_commit)


def _engine(url: URL, connections: int, **more: Any) -> Engine:
    defaults = {"application_name": "paas-controller"} | _CONNECT | _TCP
    chosen = {key: value for key, value in defaults.items() if key not in url.query}
    driver = url.set(drivername="postgresql+psycopg")
    engine = create_engine(
        driver, pool_size=connections, max_overflow=0, pool_pre_ping=True, connect_args=chosen, **more
    )
    event.listen(engine, "connect", lambda connection, _: connection.adapters.register_dumper(str, _Text))
    return engine


class _Text(StrDumper):
    """PostgreSQL's text holds no NUL; what a script said must be kept all the same."""

    def dump(self, obj: str) -> Any:
        return super().dump(obj.replace("\0", "\N{REPLACEMENT CHARACTER}") if "\0" in obj else obj)


def _take_lock(connection: "psycopg.Connection[Any]", ourselves: str, name: str) -> None:
    """The lock, for as long as this session lives. A former session of ours that hangs is ended; Ousted for others."""
    connection.autocommit = True
    former = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s AND pid <> %s"
    connection.execute(former, (ourselves, connection.info.backend_pid))
    for setting in (*_SESSION, f"lock_timeout = '{_PATIENCE}'"):
        connection.execute(f"SET {setting}".encode())
    try:
        connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
    except psycopg.errors.LockNotAvailable:
        told = f"another controller{_holder(connection)} works in {name}; stop it, or give this one its own"
        raise Ousted(told) from None
    connection.execute("SET lock_timeout = 0")
    connection.autocommit = False


def _holder(connection: "psycopg.Connection[Any]") -> str:
    """Who holds the lock, as far as the server tells."""
    holder = (
        "SELECT application_name FROM pg_stat_activity JOIN pg_locks USING (pid) JOIN pg_database ON database = oid"
        " WHERE locktype = 'advisory' AND granted AND objid = %s AND pg_database.datname = current_database()"
    )
    found = connection.execute(holder, (_LOCK,)).fetchone()
    words = str(found[0]).split() if found else []
    return f" (on {words[1]}, process {words[2]})" if len(words) == 4 else ""


def _commit(connection: Connection) -> None:
    """Commits. Where the connection breaks before the answer came, the server is asked whether it was kept."""
    transaction = connection.exec_driver_sql("SELECT pg_current_xact_id_if_assigned()::text").scalar()
    try:
        connection.commit()
    except DBAPIError as error:
        if not (transaction and error.connection_invalidated and _was_kept(connection.engine, transaction)):
            raise


def _was_kept(engine: Engine, transaction: str) -> bool:
    """Whether a transaction of a session that is over was committed."""
    asked, deadline = text("SELECT pg_xact_status(CAST(:transaction AS xid8))"), time.monotonic() + _DOUBT
    while True:
        try:
            # Connecting takes the lock, so the former session has ended and the answer is final.
            with engine.connect() as connection:
                return connection.execute(asked, {"transaction": transaction}).scalar() == "committed"
        except DBAPIError as error:
            if not is_passing(error):
                return False  # the server has forgotten that there ever was such a transaction
            if time.monotonic() > deadline:
                raise Retryable(
                    "the database was lost while it kept this; look whether it did, then try again"
                ) from None
        time.sleep(0.2)
