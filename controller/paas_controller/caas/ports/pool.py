"""A pool of ports: what is in it, where they are, and for whom."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Literal

Way = Literal["node-port", "host-port", "external-ip"]


@dataclass(frozen=True, slots=True)
class PortHost:
    """Where ports are: an address, the node that has it, and the tenant for whom alone it is (empty: for all)."""

    address: str
    node: str = ""
    tenant: str = ""

    def is_same(self, other: "PortHost") -> bool:
        """Whether a port of one is the other's too: a pod that has a port of a node has it at all its addresses."""
        return self.address == other.address or bool(self.node and self.node == other.node)


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
        return not self.hosts or not other.hosts or any(one.is_same(two) for one, two in self._pairs(other))

    def disputed(self, other: "Pool") -> PortHost | None:
        """A host of the other one that is one of ours too, for another tenant."""
        pairs = self._pairs(other) if self.cluster == other.cluster else ()
        return next((two for one, two in pairs if one.is_same(two) and one.tenant != two.tenant), None)

    def _pairs(self, other: "Pool") -> Iterator[tuple[PortHost, PortHost]]:
        return product(self.hosts, other.hosts)

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
