"""What is kept of instances, members, operations and changes."""

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from paas_controller.store.columns import Number

# Operations, timers and opened specs outlive an instance; its id must never become another one's.
_NEVER_REUSED = {"sqlite_autoincrement": True}


class InstanceRow(SQLModel, table=True):
    """An instance. `spec` is its body, sealed; the columns beside it are what is needed without opening it.

    `labels` and `depends_on` are JSON.
    """

    __tablename__ = "instance"
    __table_args__ = (UniqueConstraint("kind", "name"), _NEVER_REUSED)

    id: int | None = Field(default=None, primary_key=True, sa_type=Number)
    kind: str
    name: str
    expect: str
    held: bool = False
    deleting: bool = False
    generation: int = 1
    version: int = 1
    self_heal: str
    check_fall: int
    check_rise: int
    has_restart: bool
    reinstall: int = 0
    revision: int = 1
    labels: str = "[]"
    depends_on: str = "[]"
    spec: str
    created_at: float


class MemberRow(SQLModel, table=True):
    """An instance on one of its hosts; the columns are the fields of `members.Member`. The board gives the ids."""

    __tablename__ = "member"

    id: int = Field(primary_key=True, sa_type=Number, sa_column_kwargs={"autoincrement": False})
    instance: int = Field(index=True, sa_type=Number)
    host: str = Field(index=True)
    position: int
    realtime: str = "not-installed"
    stable: str = "not-installed"
    installed: bool = False
    alive: bool | None = None
    cause: str = "action"
    reason: str = ""
    failures: int = 0
    obstacles: int = 0
    attempted: bool = True
    retry_at: float = 0.0
    settled_at: float = 0.0
    operation: str = ""
    action: str = ""
    route: str = ""
    serving: int = 0
    restart_wanted: int = 0
    restart_done: int = 0
    cancelled: bool = False
    generation: int = 0
    installed_generation: int = 0
    leaving: bool = False


class OperationRow(SQLModel, table=True):
    """One run of one action on one member. Times are UTC seconds."""

    __tablename__ = "operation"
    __table_args__ = (Index("operation_of", "kind", "name", "number"),)

    number: int | None = Field(default=None, primary_key=True, sa_type=Number)
    id: str = Field(unique=True)
    instance: int = Field(sa_type=Number)
    member: int = Field(sa_type=Number)
    kind: str
    name: str
    host: str
    action: str
    state: str = Field(default="pending", index=True)
    generation: int
    epoch: str = ""
    created_at: float
    deadline: float
    started_at: float | None = None
    ended_at: float | None = None
    exit_code: int | None = Field(default=None, sa_type=Number)
    fault: str = ""
    message: str = ""
    cancelled_by: str = ""


class ChangeRow(SQLModel, table=True):
    """A stable status left for another stable one; `day` is YYYY-MM-DD in the controller's zone."""

    __tablename__ = "change"
    __table_args__ = (Index("change_of_day", "day", "kind", "id"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=Number)
    day: str
    kind: str
    name: str
    host: str
    before: str
    after: str
    at: float
    cause: str
    reason: str = ""


class ForgottenRow(SQLModel, table=True):
    """An instance was forgotten, and the agent of this host is still to be told so."""

    __tablename__ = "forgotten"

    host: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
