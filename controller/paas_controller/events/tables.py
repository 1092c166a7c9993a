"""What is kept of the story."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Index, delete, func, insert, select
from sqlmodel import Field, SQLModel

from paas_controller.store.columns import Number
from paas_controller.store.store import mark


class Event(SQLModel, table=True):
    """One step: `topic` and `name` say of what, `why` is its cause, `at` is UTC seconds."""

    __tablename__ = "event"
    # Listeners resume by the id, so it must never become another one's.
    __table_args__ = (Index("event_of", "topic", "name", "id"), {"sqlite_autoincrement": True})

    id: int | None = Field(default=None, primary_key=True, sa_type=Number)
    at: float = Field(index=True)
    topic: str
    name: str
    host: str = ""
    before: str = ""
    after: str = ""
    why: str = ""
    sentence: str = ""
    operation: str = ""
    tenant: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """Whose it is, where it is a tenant's."""


_EVENT = SQLModel.metadata.tables["event"]
_APPEND = insert(_EVENT).inline()
WRITTEN = "events"
"""What a commit with new rows is marked by."""


def append(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Adds rows in the transaction of the change that they tell of."""
    if rows:
        connection.execute(_APPEND, rows)
        mark(connection, WRITTEN)


def page(connection: Connection, topic: str, name: str, before_id: int | None, limit: int) -> list[dict[str, Any]]:
    """Newest first, those older than `before_id`."""
    query = select(_EVENT).where(_EVENT.c.topic == topic, _EVENT.c.name == name)
    if before_id is not None:
        query = query.where(_EVENT.c.id < before_id)
    return [dict(row) for row in connection.execute(query.order_by(_EVENT.c.id.desc()).limit(limit)).mappings()]


def latest(connection: Connection, topic: str) -> list[dict[str, Any]]:
    """The newest of each name and host."""
    newest = select(func.max(_EVENT.c.id)).where(_EVENT.c.topic == topic).group_by(_EVENT.c.name, _EVENT.c.host)
    return [dict(row) for row in connection.execute(select(_EVENT).where(_EVENT.c.id.in_(newest))).mappings()]


def last(connection: Connection) -> int:
    """The number of the newest; 0 where there is none."""
    return connection.execute(select(func.max(_EVENT.c.id))).scalar() or 0


def between(
    connection: Connection, after: int, until: int | None, of: tuple[str, str], limit: int
) -> list[dict[str, Any]]:
    """In the order of their commits, those after one number and up to another; `of` topic and name, empty for any."""
    query = select(_EVENT).where(_EVENT.c.id > after)
    if until is not None:
        query = query.where(_EVENT.c.id <= until)
    for column, wanted in zip((_EVENT.c.topic, _EVENT.c.name), of, strict=True):
        query = query.where(column == wanted) if wanted else query
    return [dict(row) for row in connection.execute(query.order_by(_EVENT.c.id).limit(limit)).mappings()]


def drop(connection: Connection, before: float) -> None:
    """Drops the events before this moment (UTC seconds)."""
    connection.execute(delete(_EVENT).where(_EVENT.c.at < before))
