"""What may stand in the paths and behind the question marks of this room."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from paas_controller.software.schemas import InstanceName
from paas_controller.software.states import Expect, Realtime
from paas_controller.web.queries import DryRun, Flag, Limit, Position
from paas_controller.web.schemas import shaped


class _Query(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _label(value: str) -> str:
    if ":" not in value:
        raise ValueError(f"is key:value, not {value!r}")
    return value


Label = Annotated[str, AfterValidator(_label), shaped(r"[^:]*:.*")]


class ByName(BaseModel):
    """Which instance."""

    name: Annotated[InstanceName, Field(examples=["redis-1"])]


class ByDay(BaseModel):
    """Which day."""

    day: Annotated[
        str,
        shaped(r"([0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4})"),
        Field(description="MMDD, the latest such day, or YYYY-MM-DD", examples=["0628"]),
    ]


class ByOperation(BaseModel):
    """Which operation."""

    id: str


class ListQuery(_Query):
    """Which instances, and how many; what is not given takes all."""

    @property
    def labels(self) -> list[tuple[str, str]]:
        """Each label as key and value."""
        return [(key, value) for key, _, value in (entry.partition(":") for entry in self.label)]

    expect: Expect | None = None
    realtime: Realtime | None = None
    host: Annotated[str, Field(description="address:port of a host that they have a member on")] = ""
    drift: Annotated[Flag, Field(description="only those of which expect and realtime differ")] = False
    label: Annotated[list[Label], Field(max_length=16, description="k:v; they need all that are given")] = []
    limit: Limit = 100
    cursor: Annotated[str, Field(description="next of the page before")] = ""


class PageQuery(_Query):
    """How many, newest first."""

    limit: Limit = 100
    cursor: Annotated[Position | None, Field(description="next of the page before")] = None


class DayQuery(_Query):
    """Which changes of the day."""

    cause: Literal["check", "exit", "action", "report", "silence"] | None = None
    detail: Annotated[Flag, Field(description="every change as an object, in place of names")] = False


class ChangeQuery(DryRun):
    """When a changed spec counts, and what becomes of hosts that are no longer on its list."""

    apply: Annotated[Literal["restart", "reinstall"] | None, Field(description="act at once")] = None
    removed: Annotated[
        Literal["uninstall", "orphan"] | None, Field(description="what becomes of it on hosts taken off the list")
    ] = None


class DeleteQuery(DryRun):
    """What becomes of the software that is there."""

    uninstall: Annotated[Flag, Field(description="uninstall it, then forget it")] = False
    orphan: Annotated[Flag, Field(description="forget it at once and leave it as it is")] = False


class LogQuery(_Query):
    """Where to read on."""

    offset: Annotated[Position, Field(description="bytes to leave out")] = 0
