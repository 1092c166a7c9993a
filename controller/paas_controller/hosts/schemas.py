"""What comes in and goes out of the registry."""

import ipaddress
import re
from datetime import datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    RootModel,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from paas_controller.hosts.states import AgentState
from paas_controller.web.schemas import WHOLE, Page, Rehearsed, shaped

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*")


def is_address(value: str) -> bool:
    """Whether it is an IP address or a host name."""
    try:
        ipaddress.ip_address(value)
    except ValueError:
        # All digits and dots would be an address that is wrong, not a name.
        return bool(_NAME.fullmatch(value)) and len(value) <= 253 and not re.fullmatch(r"[\d.]+", value)
    return True


def is_port(value: str) -> bool:
    """Whether it is a port as the wire writes it."""
    return bool(re.fullmatch(r"[1-9][0-9]{0,4}", value)) and int(value) < 65536


def _address(value: str) -> str:
    if not is_address(value):
        raise ValueError(f"{value!r} is neither an IP address nor a host name")
    return value


_ADDRESS = {
    "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}, {"pattern": rf"^(?![0-9.]*$){_NAME.pattern}$", "maxLength": 253}]
}
Address = Annotated[str, AfterValidator(_address), WithJsonSchema({"type": "string"} | _ADDRESS)]
Port = Annotated[int, Field(ge=1, le=65535), WHOLE]


class Auth(BaseModel):
    """Credentials of a host. One entry serves both uses; of two the first runs the agent, the second connects."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    username: Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$")]
    password: str = ""
    private_key: str = ""


Auths = Annotated[list[Auth], Field(max_length=2)]


class HostBody(BaseModel):
    """A host, before anything stands on it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    ip: Address
    agent_port: Port = 3335
    ssh_port: Port = 22
    auth: Auths = []


def _with_what_is_read_only(schema: dict[str, Any]) -> None:
    schema["properties"] |= {key: {"description": "read-only: ignored"} for key in sorted(_READ_ONLY)}


class HostChange(BaseModel):
    """How SSH reaches a host from now on; what is left out stays. A host that was read may be written back."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra=_with_what_is_read_only)

    ssh_port: Port | None = None
    auth: Auths | None = None

    @model_validator(mode="before")
    @classmethod
    def _without_what_is_read_only(cls, document: Any) -> Any:
        if not isinstance(document, dict):
            return document
        return {key: value for key, value in document.items() if key not in _READ_ONLY}


class ByHost(BaseModel):
    """Which host."""

    id: Annotated[str, shaped(r".+:[1-9][0-9]{0,4}"), Field(description="address:port")]


class DiskShown(BaseModel):
    """A file system on a disk of a host; bytes."""

    mount: str
    total: int
    free: int


class HostShown(BaseModel):
    """A host: absent until its agent reports or is being installed, lost when it has fallen silent."""

    id: str
    ip: str
    agent_port: str
    ssh_port: int
    auth: Annotated[list[Auth], Field(description="passwords and private keys are masked")]
    state: AgentState
    version: str
    features: list[str]
    last_heard: datetime | None
    certificate_ends: Annotated[datetime | None, Field(description="of the one that this controller's CA gave it")]
    rotating: Annotated[bool, Field(description="its tokens and certificate are about to be replaced")]
    facts: Annotated[
        dict[str, str | int | float | list[DiskShown]], Field(description="sizes in bytes, times in UTC seconds")
    ]


class HostList(Page[HostShown]):
    """All of them, by name."""


class HostWithMembers(HostShown):
    """`members` are `kind/name`."""

    members: list[str]


_READ_ONLY = HostWithMembers.model_fields.keys() - HostChange.model_fields.keys()
"""The keys of a host that cannot be changed."""


class HostOrRehearsed(RootModel[HostShown | Rehearsed]):
    """The host; of a dry run, its steps."""


class JoinToken(BaseModel):
    """Enrols one host, once. Behind a dot stands the fingerprint of the CA by which the controller is known."""

    join_token: str
    expires_at: datetime
