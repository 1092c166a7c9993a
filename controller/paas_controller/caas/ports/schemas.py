"""What comes in and goes out of port pools."""

import ipaddress
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, RootModel, model_validator

from paas_controller.caas.ports.pool import Way
from paas_controller.hosts.schemas import Address, Port
from paas_controller.web.schemas import WHOLE, Page, Rehearsed, held_to, shaped

_NAME, _NODE = r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?", r"([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?)?"
_OWNER = r"[A-Za-z0-9][A-Za-z0-9._@-]{0,127}"
_name = held_to(_NAME, "a name is 1 to 40 of a-z 0-9 and -, and does not begin or end with -")
_node = held_to(_NODE, "a node is called by up to 253 of a-z 0-9 - and ., and neither begins nor ends with - or .")
_owner = held_to(_OWNER, "an owner is 1 to 128 of A-Z a-z 0-9 . _ @ and -, and begins with a letter or a digit")
PoolName = Annotated[str, _name, shaped(_NAME), Field(examples=["web"])]
ClusterName = Annotated[str, _name, shaped(_NAME), Field(examples=["here"])]
Owner = Annotated[
    str,
    _owner,
    shaped(_OWNER),
    Field(examples=["app.shop"], description="who alone may have them: an app is app.NAME or caas.NAME"),
]
_DAY = 86400


def _is_ip(address: str) -> bool:
    try:
        return bool(ipaddress.ip_address(address))
    except ValueError:
        return False


class PortHostBody(BaseModel):
    """An address at which ports are, the node that has it, and the tenant for whom alone it is."""

    model_config = ConfigDict(extra="forbid", strict=True)

    address: Address
    node: Annotated[str, _node, shaped(_NODE)] = ""
    tenant: Annotated[str, Field(max_length=128, description="empty for all")] = ""


class PortPoolBody(BaseModel):
    """Ports that may be given away: these on each host, or on every node of the cluster where they are node ports."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: PoolName
    cluster: ClusterName
    way: Way = "node-port"
    first: Annotated[Port, Field(examples=[30000])]
    last: Annotated[Port, Field(examples=[30099])]
    hosts: Annotated[list[PortHostBody], Field(max_length=100)] = []

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.first > self.last:
            raise ValueError(f"first is {self.first} and last is {self.last}; the first one has to be the lower")
        if self.way == "node-port" and self.hosts:
            raise ValueError("hosts: a node port is the same on every node; leave the hosts out")
        if self.way != "node-port" and not self.hosts:
            raise ValueError(f"hosts is missing: of {self.way}, say on which addresses the ports are")
        if self.way == "host-port" and not all(host.node for host in self.hosts):
            raise ValueError("hosts: each needs its node, as the cluster calls it")
        if self.way == "host-port" and not all(host.tenant for host in self.hosts):
            raise ValueError("hosts: each needs its tenant; the ports of a host are for one tenant alone")
        addresses = [host.address for host in self.hosts]
        if self.way == "external-ip" and (names := [each for each in addresses if not _is_ip(each)]):
            raise ValueError(f"hosts: {names[0]} is a name; of external-ip, give IP addresses")
        if twice := next((address for address in addresses if addresses.count(address) > 1), ""):
            raise ValueError(f"hosts: {twice} is there twice")
        nodes = [host.node for host in self.hosts if host.node]
        if twice := next((node for node in nodes if nodes.count(node) > 1), ""):
            raise ValueError(f"hosts: the node {twice} is there twice; its ports are the same at all of its addresses")
        return self


class ReservationBody(BaseModel):
    """So many ports, or these, for somebody until the time is up. Of a pool with several hosts, on one of them."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"examples": [{"owner": "app.shop", "count": 2, "seconds": 600}]},
    )

    owner: Owner
    seconds: Annotated[int, Field(ge=1, le=_DAY), WHOLE]
    count: Annotated[int, Field(ge=1, le=100), WHOLE] | None = None
    ports: Annotated[list[Port], Field(min_length=1, max_length=100)] | None = None
    host: Annotated[str, Field(max_length=253, description="an address of the pool, where it has several")] = ""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.count is None) == (self.ports is None):
            raise ValueError("give count or ports, one of the two")
        if self.ports and len(set(self.ports)) < len(self.ports):
            raise ValueError("ports: one is there twice")
        return self


class ByPool(BaseModel):
    """Which pool."""

    name: PoolName


class ByReservation(ByPool):
    """What somebody has reserved of a pool."""

    owner: Owner


class PortHostShown(BaseModel):
    """An address at which ports are, the node that has it, and the tenant for whom alone it is."""

    address: str
    node: str
    tenant: str


class PortPoolShown(BaseModel):
    """A pool, and how much of it is left."""

    name: str
    cluster: str
    way: Way
    first: int
    last: int
    hosts: list[PortHostShown]
    created_at: datetime
    size: int
    taken: int
    reserved: int
    foreign: int
    free: int


class PortPoolList(Page[PortPoolShown]):
    """All of them, by name."""


class PortShown(BaseModel):
    """A port that is not free. `foreign`: something outside of the platform has it, which the owner names."""

    host: str
    port: int
    state: Literal["taken", "reserved", "foreign"]
    owner: str
    instance: str
    component: str
    container_port: int
    expires_at: datetime | None


class PortPoolWithPorts(PortPoolShown):
    """A pool, and who has what of it."""

    ports: list[PortShown]


class StretchShown(BaseModel):
    """Ports in a row."""

    host: str
    first: int
    last: int


class FreePorts(BaseModel):
    """What is free of a pool now."""

    pool: str
    free: int
    ranges: list[StretchShown]


class ReservedPort(BaseModel):
    """A port that nobody else is given until then."""

    host: str
    port: int
    expires_at: datetime


class ReservationShown(BaseModel):
    """All that somebody has reserved of a pool."""

    pool: str
    owner: str
    ports: list[ReservedPort]


class PoolOrRehearsed(RootModel[PortPoolShown | Rehearsed]):
    """The pool; of a dry run, its steps."""


class ReservationOrRehearsed(RootModel[ReservationShown | Rehearsed]):
    """What is reserved now; of a dry run, its steps."""
