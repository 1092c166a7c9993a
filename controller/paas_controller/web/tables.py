"""What is kept of requests that are to be done once."""

from sqlalchemy import Connection, delete, insert, select
from sqlmodel import Field, SQLModel


class OnceRow(SQLModel, table=True):
    """One request by its key; `sealed` is what was asked and how it was answered. `at` is UTC seconds."""

    __tablename__ = "once"

    caller: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    at: float = Field(index=True)
    sealed: str


_ONCE = SQLModel.metadata.tables["once"]


def keep(connection: Connection, caller: str, key: str, at: float, sealed: str) -> None:
    """Keeps it in place of what was kept under this key."""
    connection.execute(delete(_ONCE).where(_ONCE.c.caller == caller, _ONCE.c.key == key))
    connection.execute(insert(_ONCE), {"caller": caller, "key": key, "at": at, "sealed": sealed})


def find(connection: Connection, caller: str, key: str, after: float) -> str | None:
    """What is kept under this key since then."""
    known = select(_ONCE.c.sealed).where(_ONCE.c.caller == caller, _ONCE.c.key == key, _ONCE.c.at > after)
    return connection.execute(known).scalar()


def drop(connection: Connection, before: float) -> None:
    """Drops what was kept up to this moment."""
    connection.execute(delete(_ONCE).where(_ONCE.c.at <= before))
