"""What comes in and goes out for tokens and tenants."""

import re
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from paas_controller.base.principal import Role
from paas_controller.web.schemas import Page, shaped

_TENANT = r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?"


def _tenant(value: str) -> str:
    if not re.fullmatch(_TENANT, value):
        raise ValueError("a tenant's name is 1 to 40 of a-z, 0-9 and -; it begins and ends with a letter or a digit")
    return value


TenantName = Annotated[str, AfterValidator(_tenant), shaped(_TENANT, examples=["shop"])]
HolderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,127}$")]


class TokenBody(BaseModel):
    """Who gets a token, and of which role. Agents get theirs by joining.

    With a tenant, the token is good for the apps of that tenant alone; the role is operator or viewer then.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    name: HolderName
    role: Literal["administrator", "operator", "viewer"]
    tenant: TenantName | None = None


class ByHolder(BaseModel):
    """Whose token."""

    name: HolderName


class Holder(BaseModel):
    """Somebody who has a token."""

    name: str
    role: Role
    tenant: Annotated[str, Field(description="whose apps it is good for; empty for a token of the platform")]


class HolderList(Page[Holder]):
    """All of them, by name."""


class Issued(Holder):
    """A token that was just made."""

    token: str


class TenantBody(BaseModel):
    """A new tenant."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: TenantName


class ByTenant(BaseModel):
    """Which tenant."""

    name: TenantName


class TenantShown(BaseModel):
    """A company or a team that has apps of its own."""

    name: str
    created_at: datetime


class TenantList(Page[TenantShown]):
    """All of them, by name."""
