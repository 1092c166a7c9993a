"""What comes in for tokens."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints


class TokenBody(BaseModel):
    """POST /tokens. Agents get theirs by joining."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,127}$")]
    role: Literal["administrator", "operator", "viewer"]
