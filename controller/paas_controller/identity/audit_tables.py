"""What is kept of who asked for what. Rows are added and, when they are old, dropped; nothing ever changes one."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Index, delete, insert, select
from sqlmodel import Field, SQLModel

from paas_controller.store.columns import Number


class AuditRow(SQLModel, table=True):
    """One change that was asked for, and how it was answered. `at` is UTC seconds, `peer` an address."""

    __tablename__ = "audit"
    __table_args__ = (Index("audit_of", "who", "id"), {"sqlite_autoincrement": True})

    id: int | None = Field(default=None, primary_key=True, sa_type=Number)
    at: float = Field(index=True)
    who: str
    role: str
    tenant: str = ""
    """Whose token it was; empty for the platform's."""
    method: str
    path: str
    about: str
    sentence: str
    peer: str
    status: int
    code: str
    request_id: str


_AUDIT = SQLModel.metadata.tables["audit"]
_ADD = insert(_AUDIT)


def add(connection: Connection, row: dict[str, Any]) -> None:
    connection.execute(_ADD, row)


def page(
    connection: Connection, *, who: str, since: float | None, until: float | None, before: int | None, limit: int
) -> Sequence[Any]:
    """Newest first, those with a number below `before`; at or after `since`, before `until` (UTC seconds)."""
    query = select(_AUDIT).order_by(_AUDIT.c.id.desc()).limit(limit)
    if who:
        query = query.where(_AUDIT.c.who == who)
    if since is not None:
        query = query.where(_AUDIT.c.at >= since)
    if until is not None:
        query = query.where(_AUDIT.c.at < until)
    if before is not None:
        query = query.where(_AUDIT.c.id < before)
    return connection.execute(query).all()


def drop(connection: Connection, before: float) -> None:
    """Drops the rows before this moment (UTC seconds)."""
    connection.execute(delete(_AUDIT).where(_AUDIT.c.at < before))
