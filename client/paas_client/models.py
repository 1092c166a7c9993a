"""The controller's answers. Keys that are not known here are kept, so that a newer controller loses nothing."""

from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal["database", "middleware"]
Expect = Literal["running", "stopped", "not-installed"]

ENDED = frozenset({"succeeded", "failed", "timed-out", "cancelled", "interrupted"})
"""Operation states that are final."""


class Answer(BaseModel):
    """States are plain strings here: a newer controller may know more of them."""

    model_config = ConfigDict(extra="allow", frozen=True, populate_by_name=True)

    def document(self) -> dict[str, Any]:
        """As JSON, with the wire's own key names, and only what was answered."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


AnswerT = TypeVar("AnswerT", bound=Answer)


class Page(Answer, Generic[AnswerT]):
    """Some of the items, and the cursor to go on with; None where there are no more."""

    items: list[AnswerT]
    next: str | None = None


class Status(Answer):
    """What is expected, and what is there."""

    expect: str
    realtime: str


class InstanceStatus(Answer):
    name: str
    status: Status


class Progress(Answer):
    """How far an operation is: its phase, and bytes while something is fetched (total 0: not known)."""

    phase: str
    bytes_done: int = 0
    bytes_total: int = 0


class Operation(Answer):
    """One run of one action on one host."""

    id: str
    kind: str
    name: str
    host: str
    action: str
    state: str
    exit_code: int | None = None
    fault: str = ""
    message: str = ""
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    progress: Progress | None = None

    @property
    def ended(self) -> bool:
        return self.state in ENDED


class Member(Answer):
    """An instance on one of its hosts. `operation` is the id of the one under way; `waiting` says what for."""

    host: str
    realtime: str
    installed: bool
    alive: bool | None = None
    reason: str = ""
    failures: int = 0
    applied_generation: int = 0
    waiting: str | None = None
    operation: str | None = None
    retry_at: datetime | None = None
    last_operation: Operation | None = None


class App(Answer):
    """What is run and how; secrets are masked."""

    repo_url: str
    package: str = ""
    metadata: dict[str, str] = {}
    status: Status


class Record(Answer):
    """A database or middleware, whole."""

    name: str
    type: Kind
    app: App
    generation: int
    held: bool = False
    deleting: bool = False
    members: list[Member]

    @property
    def status(self) -> Status:
        return self.app.status


class Deleted(Answer):
    """What became of it, in a sentence."""

    name: str
    msg: str


class Event(Answer):
    """One step of the story. `host` is empty where the whole instance is meant."""

    id: int
    at: datetime
    host: str = ""
    before: str = Field(alias="from")
    after: str = Field(alias="to")
    cause: str
    sentence: str
    operation: str | None = None


class Change(Answer):
    """A stable status left for another stable one."""

    name: str
    host: str
    before: str = Field(alias="from")
    after: str = Field(alias="to")
    at: datetime
    cause: str
    reason: str = ""


class LogPiece(Answer):
    """Output from `offset` up to `next`, in bytes; `ended` when no more is expected."""

    offset: int
    next: int
    data: str
    ended: bool


class JoinToken(Answer):
    """Enrols one host, once."""

    join_token: str
    expires_at: datetime


class Host(Answer):
    """One agent, by address and port. `members` (kind/name) is answered for a single host only."""

    id: str
    state: str
    version: str = ""
    last_heard: datetime | None = None
    facts: dict[str, Any] = {}
    members: list[str] = []
