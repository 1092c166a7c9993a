"""What is kept of apps, their instances and the ports that they are given. The rest is the cluster's to know."""

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from paas_controller.store.columns import Number

# A namespace outlives its app for a while; its id must never become another one's.
_NEVER_REUSED = {"sqlite_autoincrement": True}


class ControllerRow(SQLModel, table=True):
    """Which controller this is: one row, written at its first start. Its namespaces are labelled with it."""

    __tablename__ = "controller"

    id: str = Field(primary_key=True)


class AppRow(SQLModel, table=True):
    """One namespace with a pool of memory. `kind` is `app` or `caas`; `phase` is making, there or going."""

    __tablename__ = "app"
    __table_args__ = (UniqueConstraint("kind", "name"), _NEVER_REUSED)

    id: int | None = Field(default=None, primary_key=True, sa_type=Number)
    kind: str
    name: str
    tenant: str = Field(default="", index=True)
    cluster: str
    namespace: str
    plan: str
    memory_units: int
    """Of 128 MiB each."""
    max_ports: int
    phase: str = "making"
    created_at: float


class AppInstanceRow(SQLModel, table=True):
    """An instance of an app: what its objects in the cluster are labelled with, and how far it has come."""

    __tablename__ = "app_instance"
    __table_args__ = (UniqueConstraint("app", "name"),)

    id: str = Field(primary_key=True)
    app: int = Field(sa_type=Number)
    name: str
    environment: str = ""
    """`online` or `offline`; empty for a CaaS instance."""
    components: str = "[]"
    """JSON: their names. One that somebody deletes in the cluster is still known to be missing."""
    phase: str = "making"
    created_at: float


class PortPoolRow(SQLModel, table=True):
    """Ports that the platform may give away. `hosts` is JSON: address, node and tenant of each."""

    __tablename__ = "port_pool"

    name: str = Field(primary_key=True)
    cluster: str
    way: str
    """`node-port`, `host-port` or `external-ip`."""
    hosts: str = "[]"
    first: int
    last: int
    created_at: float


class PortRow(SQLModel, table=True):
    """A port that is not free. `host` is empty where it is the same on every node of the cluster."""

    __tablename__ = "port"

    cluster: str = Field(primary_key=True)
    host: str = Field(primary_key=True)
    port: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    pool: str = Field(index=True)
    state: str
    """`taken`, `reserved`, or `foreign`: somebody outside of the platform has it."""
    owner: str = ""
    """Of a reservation the one who made it, of a foreign port whoever has it, else the app."""
    instance: str = Field(default="", index=True)
    component: str = ""
    container_port: int = 0
    expires_at: float | None = None
    at: float
