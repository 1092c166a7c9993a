"""What comes in and goes out of the registry."""

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

from paas_controller.base.addresses import NAME, canonical, is_address
from paas_controller.hosts.bootstrap.schemas import BootstrapShown
from paas_controller.hosts.states import AgentState
from paas_controller.hosts.upgrade.schemas import UpgradeShown
from paas_controller.hosts.ways import Way
from paas_controller.web.schemas import WHOLE, Page, Rehearsed, shaped


def _address(value: str) -> str:
    if not is_address(value):
        raise ValueError(f"{value!r} is neither the IP address of a host nor a host name")
    return canonical(value)


_OF_NONE = r"0\.0\.0\.0|255\.255\.255\.255|2(2[4-9]|3[0-9])(\.[0-9]+){3}|[0:]+|[fF]{2}[0-9a-fA-F]{2}:.*"
_ADDRESS = {
    "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}, {"pattern": rf"^(?![0-9.]*$){NAME.pattern}$", "maxLength": 253}],
    "not": {"pattern": f"^({_OF_NONE})$"},
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
_CONNECTION = "orders call the agent at its address, go down a tunnel that it keeps, or by whichever works"
Connection = Annotated[Way, Field(description=_CONNECTION)]


class HostBody(BaseModel):
    """A host, before anything stands on it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    ip: Address
    agent_port: Port = 3335
    ssh_port: Port = 22
    auth: Auths = []
    connection: Connection = "direct"


def _with_what_is_read_only(schema: dict[str, Any]) -> None:
    schema["properties"] |= {key: {"description": "read-only: ignored"} for key in sorted(_READ_ONLY)}


class HostChange(BaseModel):
    """How a host is reached from now on; what is left out stays. A host that was read may be written back."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra=_with_what_is_read_only)

    ssh_port: Port | None = None
    auth: Auths | None = None
    connection: Connection | None = None

    @model_validator(mode="before")
    @classmethod
    def _without_what_is_read_only(cls, document: Any) -> Any:
        if not isinstance(document, dict):
            return document
        return {key: value for key, value in document.items() if key not in _READ_ONLY}


class DrainBody(BaseModel):
    """Whether the host is to be drained, or is no longer."""

    model_config = ConfigDict(extra="forbid", strict=True)

    enabled: bool = True


class ByHost(BaseModel):
    """Which host."""

    id: Annotated[str, shaped(r".+:[1-9][0-9]{0,4}"), Field(description="address:port")]


class DiskShown(BaseModel):
    """A file system on a disk of a host; bytes."""

    mount: str
    total: int
    free: int


class DrainingShown(BaseModel):
    """Who drains a host, and since when."""

    by: str
    since: datetime


class PendingShown(BaseModel):
    """A member (`kind/name`) that is not yet as it is to be, and what it waits for."""

    member: str
    why: str


class HostShown(BaseModel):
    """A host: absent until its agent reports or is being installed, lost when it has fallen silent."""

    id: str
    ip: str
    agent_port: str
    ssh_port: int
    auth: Annotated[list[Auth], Field(description="passwords and private keys are masked")]
    host_key: Annotated[str, Field(description="SHA256:… of SSH's key, the first that was seen")]
    host_key_refused: Annotated[str, Field(description="of another one, which waits for a person's word")]
    bootstrap: BootstrapShown | None
    upgrade: UpgradeShown | None
    state: AgentState
    version: str
    features: list[str]
    last_heard: datetime | None
    connection: Connection
    tunnel: Annotated[bool, Field(description="its agent keeps one open now")]
    certificate_ends: Annotated[datetime | None, Field(description="of the one that this controller's CA gave it")]
    rotating: Annotated[bool, Field(description="its tokens and certificate are about to be replaced")]
    draining: Annotated[DrainingShown | None, Field(description="nothing is to run on it")]
    facts: Annotated[
        dict[str, str | int | float | list[DiskShown]], Field(description="sizes in bytes, times in UTC seconds")
    ]


class HostList(Page[HostShown]):
    """All of them, by name."""


class HostWithMembers(HostShown):
    """`members` are `kind/name`."""

    members: list[str]
    pending: Annotated[list[PendingShown], Field(description="on which something is still to be done")]


_READ_ONLY = HostWithMembers.model_fields.keys() - HostChange.model_fields.keys()
"""The keys of a host that cannot be changed."""


class HostOrRehearsed(RootModel[HostShown | Rehearsed]):
    """The host; of a dry run, its steps."""


class JoinToken(BaseModel):
    """Enrols one host, once. Behind a dot stands the fingerprint of the CA by which the controller is known."""

    join_token: str
    expires_at: datetime
