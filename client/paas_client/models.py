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

    model_config = ConfigDict(
        extra="allow", frozen=True, populate_by_name=True,
        defer_build=True,  # a command of paasctl uses few of them
    )  # fmt: skip

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
    """An instance, in short."""

    name: str
    status: Status


class Listed(InstanceStatus):
    """An instance in a list."""

    hosts: list[str] = []
    labels: dict[str, str] = {}
    drift: bool = False
    held: bool = False
    deleting: bool = False


class Progress(Answer):
    """How far an operation is: its phase, and bytes while something is fetched (total 0: not known)."""

    phase: str
    bytes_done: int = 0
    bytes_total: int = 0

    @property
    def percent(self) -> int:
        """Of what is fetched; 0 where it is not known."""
        return 100 * self.bytes_done // self.bytes_total if self.bytes_total else 0

    @property
    def said(self) -> str:
        """In words, as in `fetching 1.0 of 4.0 MB, 25 %`."""
        if self.phase != "fetching" or not self.bytes_done:
            return self.phase
        if not self.bytes_total:
            return f"{self.phase} {_mega(self.bytes_done)} MB"
        return f"{self.phase} {_mega(self.bytes_done)} of {_mega(self.bytes_total)} MB, {self.percent} %"


def _mega(size: int) -> str:
    return f"{size / 1e6:.1f}"


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
    cancelled_by: str = ""
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    progress: Progress | None = None

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    @property
    def may_have_printed(self) -> bool:
        """False where it failed before a script was started: its agent refused it, or could not fetch the script."""
        scriptless = self.exit_code is None and (self.fault == "environment" or self.started_at is None)
        return not (self.state == "failed" and scriptless)


class Member(Answer):
    """An instance on one of its hosts. `operation` is the id of the one under way; `waiting` says what for.

    `leaving`: its host was taken off the list, and it is uninstalled there.
    """

    host: str
    realtime: str
    installed: bool
    alive: bool | None = None
    reason: str = ""
    failures: int = 0
    applied_generation: int = 0
    leaving: bool = False
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
    labels: dict[str, str] = {}
    depends_on: list[str] = []
    generation: int
    drift: bool = False
    held: bool = False
    deleting: bool = False
    members: list[Member]

    @property
    def status(self) -> Status:
        return self.app.status


class Told(Answer):
    """What became of what is named, in a sentence."""

    name: str
    msg: str


class Step(Answer):
    """What would be done on one host (`wait`: nothing can be), and what is in the way."""

    host: str
    action: str
    why: str = ""


class Plan(Answer):
    """What a write would do. No step: nothing would have to be done."""

    steps: list[Step]


class Event(Answer):
    """One step of the story. `host` is empty where the whole instance is meant.

    `kind` and `name` are answered by the stream of all stories only.
    """

    id: int
    kind: str = ""
    name: str = ""
    at: datetime
    host: str = ""
    before: str = Field(alias="from")
    after: str = Field(alias="to")
    cause: str
    sentence: str
    operation: str | None = None


class StatusChange(Answer):
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
