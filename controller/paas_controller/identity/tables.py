"""What is kept of tokens and tenants."""

from sqlalchemy import Connection, select
from sqlmodel import Field, SQLModel

from paas_controller.base.errors import Refused


class Token(SQLModel, table=True):
    """`role` is one of the roles, or `join` for a one-time token that enrols a host. Times are UTC seconds."""

    __tablename__ = "token"

    hash: str = Field(primary_key=True)
    role: str
    name: str
    host: str = Field(default="", index=True)
    created_at: float
    expires_at: float | None = None
    tenant: str = ""
    """Whose it is; empty for a token of the platform."""


class Tenant(SQLModel, table=True):
    """A company or a team that has apps and clouds of its own."""

    __tablename__ = "tenant"

    name: str = Field(primary_key=True)
    created_at: float


_TENANT = SQLModel.metadata.tables["tenant"]


def require_tenant(connection: Connection, name: str) -> None:
    """Refused where there is no such tenant, in the caller's transaction; whatever is written in it belongs to one."""
    if not connection.execute(select(_TENANT.c.name).where(_TENANT.c.name == name)).first():
        raise Refused(f"there is no tenant {name}; make it first: paasctl tenant create {name}")
