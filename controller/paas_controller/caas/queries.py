"""What may stand in the paths and behind the question marks of this room."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from paas_controller.caas.reading import LINES
from paas_controller.caas.schemas import Name
from paas_controller.web.queries import DryRun, Flag, Limit, whole

_EXAMPLE = Field(examples=["shop"])


class ByApp(BaseModel):
    """Which app."""

    app: Annotated[Name, _EXAMPLE]


class ByInstance(ByApp):
    """Which instance of it."""

    name: Annotated[Name, Field(examples=["web-1"])]


class ByComponent(ByInstance):
    """Which component of that."""

    component: Annotated[Name, Field(examples=["web"])]


class PageQuery(BaseModel):
    """How many, by name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: Limit = 100
    cursor: Annotated[str, Field(description="next of the page before")] = ""


class CreateQuery(DryRun):
    """What is done where the pool has too little."""

    strict: Annotated[Flag, Field(description="refuse it, rather than let it wait for memory")] = False


class DeleteQuery(DryRun):
    """What becomes of what is in the cluster."""

    orphan: Annotated[
        Flag, Field(description="forget it, where its cluster is no longer in the settings, and leave what that has")
    ] = False


class LogsQuery(BaseModel):
    """Whose log, and how much of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    component: Annotated[str, Field(description="where there are several")] = ""
    pod: Annotated[str, Field(description="the youngest, unless one is named")] = ""
    container: Annotated[str, Field(description="where a pod has several")] = ""
    tail: Annotated[int, Field(ge=0, le=10 * LINES, description="last lines"), BeforeValidator(whole)] = LINES
    follow: Annotated[Flag, Field(description="go on with what is written from now on")] = False
