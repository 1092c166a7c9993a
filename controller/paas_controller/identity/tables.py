"""What is kept of tokens and tenants."""

from sqlmodel import Field, SQLModel


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
