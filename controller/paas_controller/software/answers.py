"""What goes out, for the API's document. Answers are built as plain documents; tests hold the two together."""

from datetime import datetime
from typing import Annotated

import msgspec
from pydantic import BaseModel, Field, RootModel

from paas_agent.contract import Action, Fault, Kind, OperationState, Phase
from paas_controller.software.schemas import App, InstanceBody
from paas_controller.software.states import Expect, Realtime
from paas_controller.web.schemas import Page, Rehearsed


class CheckResult(msgspec.Struct, forbid_unknown_fields=True):
    """What a check script prints: code "0", a string, is good; anything else is a failure."""

    code: str
    msg: str = ""


class Named(BaseModel):
    """Which instance it was."""

    name: str


class StatusShown(BaseModel):
    """What is wanted, and what is there."""

    expect: Expect
    realtime: Realtime


class InstanceStatus(BaseModel):
    """An instance, in short."""

    name: str
    status: StatusShown


class InstanceListed(InstanceStatus):
    """An instance in a list."""

    type: Kind
    hosts: list[str]
    labels: dict[str, str]
    drift: bool
    held: bool
    deleting: bool


class Instances(Page[InstanceListed]):
    """Some of them, by name."""


class AppShown(App):
    """The software as it was given, with CreateAt in its metadata and its status."""

    metadata: dict[str, str]
    status: StatusShown  # type: ignore[assignment]


class Created(InstanceBody):
    """The body as it was given, with what the program adds."""

    type: Kind
    app: AppShown


class ProgressShown(BaseModel):
    """How far an operation is; bytes while something is fetched, of 0 where it is not known how many."""

    phase: Phase
    bytes_done: int
    bytes_total: int


class OperationShown(BaseModel):
    """One run of one action on one host."""

    id: str
    kind: Kind
    name: str
    host: str
    action: Action
    state: OperationState
    generation: int
    created_at: datetime
    deadline: datetime
    started_at: datetime | None
    ended_at: datetime | None
    exit_code: int | None
    fault: Fault
    message: str
    cancelled_by: Annotated[str, Field(description="empty unless somebody cancelled it")]
    progress: ProgressShown | None = None


class OperationList(Page[OperationShown]):
    """What ran."""


class MemberShown(BaseModel):
    """The instance on one of its hosts. `waiting` says what for, `operation` is the id of the one under way."""

    host: str
    realtime: Realtime
    installed: bool
    alive: Annotated[bool | None, Field(description="whether the watched process lives; null where none is watched")]
    reason: str
    failures: int
    applied_generation: int
    leaving: Annotated[bool, Field(description="its host was taken off the list: it is uninstalled")]
    waiting: str | None
    operation: str | None
    retry_at: datetime | None
    last_operation: OperationShown | None


class Record(Created):
    """The whole record: the spec with its defaults and its secrets masked, and each member."""

    generation: int
    applied_generation: int | None
    version: int
    drift: bool
    held: bool
    deleting: bool
    members: list[MemberShown]


class EventShown(BaseModel):
    """One step of the story. `host` is empty where the whole instance is meant."""

    id: int
    at: datetime
    host: str
    before: Annotated[str, Field(alias="from")]
    after: Annotated[str, Field(alias="to")]
    cause: str
    sentence: str
    operation: str | None


class Events(Page[EventShown]):
    """Some of the story."""


class ChangeShown(BaseModel):
    """A stable status left for another stable one."""

    name: str
    host: str
    before: Annotated[Realtime, Field(alias="from")]
    after: Annotated[Realtime, Field(alias="to")]
    at: datetime
    cause: str
    reason: str


class Changed(RootModel[list[str] | list[ChangeShown]]):
    """Names, each once, in the order of the first change; every change of the day with `detail=true`."""


class LogPiece(BaseModel):
    """Output from the byte `offset` up to `next`; `ended` when no more will come."""

    offset: int
    next: int
    data: str
    ended: bool


class RecordOrRehearsed(RootModel[Record | Rehearsed]):
    """The record; of a dry run, its steps."""
