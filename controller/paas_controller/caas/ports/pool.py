"""A pool of ports: what is in it, where they are, and for whom."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

Way = Literal["node-port", "host-port", "external-ip"]


@dataclass(frozen=True, slots=True)
class PortHost:
    """Where ports are: an address, the node that has it, and the tenant for whom alone it is (empty: for all)."""

    address: str
    node: str = ""
    tenant: str = ""


EVERYWHERE = PortHost("")
"""A node port opens on every node; nobody has it for himself."""


@dataclass(frozen=True, slots=True)
class Pool:
    """The ports from `first` to `last` on each of its hosts; one of node ports names none."""

    name: str
    cluster: str
    way: Way
    first: int
    last: int
    hosts: tuple[PortHost, ...] = ()
    created_at: float = 0.0

    @property
    def places(self) -> tuple[PortHost, ...]:
        return self.hosts or (EVERYWHERE,)

    @property
    def range(self) -> range:
        return range(self.first, self.last + 1)

    @property
    def size(self) -> int:
        return len(self.range) * len(self.places)

    def overlaps(self, other: "Pool") -> bool:
        """Whether some port of some host would be in both."""
        if self.cluster != other.cluster or self.first > other.last or other.first > self.last:
            return False
        ours, theirs = ({host.address for host in pool.places} for pool in (self, other))
        return bool(ours & theirs) or EVERYWHERE.address in ours | theirs

    def free(self, busy: set[tuple[str, int]]) -> Iterator[tuple[str, int, int]]:
        """What is left of it beside these (host, port): host, first and last of each stretch."""
        for host in self.places:
            begin = self.first
            ends = sorted(port for address, port in busy if address == host.address and port in self.range)
            for end in (*ends, self.last + 1):
                if begin < end:
                    yield host.address, begin, end - 1
                begin = end + 1


def way_of(pools: Iterable[Pool], tenant: str) -> Way:
    """Of a cluster's pools: on a host of the tenant's own where it has one, at an external address where there is one
    for it, else by node ports.
    """
    for pool in sorted(pools, key=lambda pool: pool.way != "host-port"):
        if pool.way == "host-port" and tenant and any(host.tenant == tenant for host in pool.hosts):
            return "host-port"
        if pool.way == "external-ip" and any(host.tenant in ("", tenant) for host in pool.hosts):
            return "external-ip"
    return "node-port"
