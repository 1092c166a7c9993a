"""What comes in and goes out for tokens."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

from paas_controller.base.principal import Role
from paas_controller.web.schemas import Page

HolderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,127}$")]


class TokenBody(BaseModel):
    """Who gets a token, and of which role. Agents get theirs by joining."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: HolderName
    role: Literal["administrator", "operator", "viewer"]


class ByHolder(BaseModel):
    """Whose token."""

    name: HolderName


class Holder(BaseModel):
    """Somebody who has a token."""

    name: str
    role: Role


class HolderList(Page[Holder]):
    """All of them, by name."""


class Issued(Holder):
    """A token that was just made."""

    token: str
