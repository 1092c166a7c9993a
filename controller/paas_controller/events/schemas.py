"""What may be asked of the stream."""

from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from paas_agent.contract import Kind

OfApps = Literal["app", "caas"]
"""What a step of the story of apps is about; its name is that of the app, then `/` and the instance's."""
APP_KINDS = get_args(OfApps)


class StreamQuery(BaseModel):
    """Whose changes; what is not given takes all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal[Kind, OfApps] | None = None
    name: Annotated[str, Field(description="goes with kind")] = ""

    @model_validator(mode="after")
    def _named_within_a_kind(self) -> Self:
        if self.name and not self.kind:
            raise ValueError("name goes with kind: a name is one of its kind only")
        return self


class AppStreamQuery(StreamQuery):
    """Which apps' changes; what is not given takes all that one may see."""

    kind: OfApps | None = None
    name: Annotated[str, Field(description="goes with kind: an app, or app/instance")] = ""
