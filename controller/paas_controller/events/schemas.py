"""What may be asked of the stream."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from paas_agent.contract import Kind


class StreamQuery(BaseModel):
    """Whose changes; what is not given takes all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind | None = None
    name: Annotated[str, Field(description="goes with kind")] = ""

    @model_validator(mode="after")
    def _named_within_a_kind(self) -> Self:
        if self.name and not self.kind:
            raise ValueError("name goes with kind: a name is one of its kind only")
        return self
