"""Port pools and reservations: by which ports apps on Kubernetes are reached."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from paas_client.change import Change, read
from paas_client.models import Answer, Page, Told
from paas_client.transport import API1, Call, Transport

Way = Literal["node-port", "host-port", "external-ip"]
"""On every node of the cluster, on the hosts of the pool, or at addresses that lead into the cluster."""


class PortHost(Answer):
    """An address at which ports are, the node that has it, and the tenant for whom alone it is."""

    address: str
    node: str = ""
    tenant: str = ""


class Port(Answer):
    """A port that is not free; `state` is taken, reserved or foreign, `host` empty where it is on every node."""

    host: str = ""
    port: int
    state: str
    owner: str
    instance: str = ""
    component: str = ""
    container_port: int = 0
    expires_at: datetime | None = None


class PortPool(Answer):
    """Ports that may be given away, and how many are left. `ports` is answered for a single pool only."""

    name: str
    cluster: str
    way: str
    first: int
    last: int
    hosts: list[PortHost] = Field(default_factory=list)
    size: int
    taken: int
    reserved: int
    foreign: int
    free: int
    ports: list[Port] = Field(default_factory=list)


class Stretch(Answer):
    """Ports in a row."""

    host: str = ""
    first: int
    last: int


class FreePorts(Answer):
    """What is free of a pool."""

    pool: str
    free: int
    ranges: list[Stretch]


class ReservedPort(Answer):
    """A port that nobody else is given until then."""

    host: str = ""
    port: int
    expires_at: datetime


class Reservation(Answer):
    """All that somebody has reserved of a pool."""

    pool: str
    owner: str
    ports: list[ReservedPort]


@dataclass(frozen=True)
class Ports:
    """The pools of all clusters."""

    transport: Transport

    def create(
        self, name: str, cluster: str, first: int, last: int, *, way: Way = "node-port",
        hosts: Sequence[Mapping[str, str]] = (),
    ) -> Change[PortPool]:  # fmt: skip
        """Each of the hosts is `address`, `node` and `tenant`. Conflict where a port would be in two pools."""
        body = {"name": name, "cluster": cluster, "way": way, "first": first, "last": last}
        body |= {"hosts": list(hosts)} if hosts else {}
        return Change(self.transport, _call("POST", body=body), PortPool.model_validate_json)

    async def all(self) -> list[PortPool]:
        return read(Page[PortPool].model_validate_json, await self._get()).items

    async def get(self, name: str) -> PortPool:
        """With the ports that are not free, and who has them."""
        return read(PortPool.model_validate_json, await self._get(name))

    async def free(self, name: str) -> FreePorts:
        return read(FreePorts.model_validate_json, await self._get(name, "free"))

    def delete(self, name: str) -> Change[Told]:
        """Conflict while a port of it is taken; what is reserved of it ends."""
        return Change(self.transport, _call("DELETE", name), Told.model_validate_json)

    def reserve(
        self, name: str, owner: str, seconds: int, *, count: int = 0, ports: Sequence[int] = (), host: str = ""
    ) -> Change[Reservation]:
        """So many ports, or these, for a day at most; the answer is all that the owner has reserved of the pool then.
        An app is the owner `app.NAME` or `caas.NAME`. Conflict where they are not free.
        """
        body: dict[str, Any] = {"owner": owner, "seconds": seconds}
        body |= {key: value for key, value in (("count", count), ("ports", list(ports)), ("host", host)) if value}
        call = _call("POST", name, "reservations", body=body)
        return Change(self.transport, call, Reservation.model_validate_json)

    def release(self, name: str, owner: str) -> Change[Told]:
        """Frees what somebody has reserved of a pool."""
        return Change(self.transport, _call("DELETE", name, "reservations", owner), Told.model_validate_json)

    async def _get(self, *path: str) -> bytes:
        return (await self.transport.send(_call("GET", *path))).body


def _call(method: str, *path: str, body: object = None) -> Call:
    return Call(method, ("port_pools", *path), body=body, api=API1)
