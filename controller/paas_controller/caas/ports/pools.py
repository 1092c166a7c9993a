"""Port pools and reservations, as administrators and portals see and change them."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from sqlalchemy import Connection, select
from sqlmodel import SQLModel

from paas_controller.base.clock import Clock
from paas_controller.base.clusters import ClusterSettings
from paas_controller.base.errors import Conflict, NotFound, Refused
from paas_controller.caas.ports import rows
from paas_controller.caas.ports.choice import Claim, Room, by_port, is_for, why_not
from paas_controller.caas.ports.pool import Pool, PortHost
from paas_controller.caas.ports.rows import Busy, Key
from paas_controller.identity import tables as _tables  # noqa: F401 - makes the table of tenants known
from paas_controller.store.store import Store

_TENANT = SQLModel.metadata.tables["tenant"]
Seen = Callable[[str], Mapping[int, str]]
"""The node ports that a cluster is seen to use, and by whom."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to have reserved: so many ports, or these, for so many seconds."""

    owner: str
    seconds: int
    count: int = 0
    ports: Sequence[int] = ()
    host: str = ""


@dataclass(frozen=True, slots=True)
class Filled:
    """A pool, and the ports of it that are not free, by host and port."""

    pool: Pool
    busy: list[Busy]

    @property
    def free(self) -> int:
        return self.pool.size - len(self.busy)

    @property
    def states(self) -> Counter[str]:
        return Counter(held.state for held in self.busy)


class Pools:
    """What the platform may give away, cluster by cluster."""

    def __init__(self, store: Store, clock: Clock, clusters: Sequence[ClusterSettings], seen: Seen) -> None:
        self._store, self._clock, self._seen = store, clock, seen
        self._clusters = {cluster.name: cluster for cluster in clusters}

    async def make(self, pool: Pool, *, dry_run: bool = False) -> Filled:
        """Refused where the cluster does not have it so, Conflict where a port would be in two pools."""
        self._check(pool)
        new = replace(pool, created_at=self._clock.time())

        def write(connection: Connection) -> None:
            _check_tenants(connection, pool)
            for other in rows.pools(connection):
                if other.name == pool.name:
                    raise Conflict(f"there is a port pool {pool.name} already")
                if host := pool.disputed(other):
                    whose = f"the tenant {host.tenant}" if host.tenant else "everybody"
                    told = f"the host {host.address}{f' on {host.node}' if host.node else ''} is for {whose}"
                    raise Conflict(f"{told} in the port pool {other.name}; a host is for one alone: take another")
                if pool.overlaps(other):
                    raise Conflict(f"the port pool {other.name} has {other.first} to {other.last}; take other ports")
            rows.add_pool(connection, new)

        await (self._store.rehearse if dry_run else self._store.write)(write)
        return self._seen_too(Filled(new, []))

    async def remove(self, name: str, *, dry_run: bool = False) -> None:
        """What is reserved of it ends. Conflict while a port of it is taken; NotFound."""

        def write(connection: Connection) -> None:
            rows.locked(connection, rows.pool(connection, name).cluster)
            found = rows.busy(connection, self._clock.time(), pool=name)
            owners = Counter(held.owner for held in found if held.state == "taken")
            if owners:
                count, had = owners.total(), ", ".join(sorted(owners))
                told = f"{count} port{'s' if count > 1 else ''} of the pool {name} are taken, by {had}"
                raise Conflict(f"{told}; delete those instances first")
            rows.drop_pool(connection, name)

        await (self._store.rehearse if dry_run else self._store.write)(write)

    async def all(self) -> list[Filled]:
        """Every pool, by name."""
        found = await self._store.read(lambda c: [self._filled(c, pool) for pool in rows.pools(c)])
        return [self._seen_too(each) for each in found]

    async def one(self, name: str) -> Filled:
        """With the names of instances, where they still have one, in place of their ids. NotFound."""

        def read(connection: Connection) -> Filled:
            filled, names = self._filled(connection, rows.pool(connection, name)), rows.names(connection, name)
            named = [replace(held, instance=names.get(held.instance, held.instance)) for held in filled.busy]
            return replace(filled, busy=named)

        return self._seen_too(await self._store.read(read))

    async def reserve(self, name: str, wish: Wish, *, dry_run: bool = False) -> list[Busy]:
        """All that the owner then has reserved of the pool. A port that he has reserved already is prolonged where it
        is named. Conflict where there are too few or one is not free, Refused where it is none of the pool.
        """
        seen = self._foreign((await self.one(name)).pool)

        def write(connection: Connection) -> list[Busy]:
            pool, now = rows.pool(connection, name), self._clock.time()
            rows.locked(connection, pool.cluster)
            rows.drop_expired(connection, pool.cluster, now)
            busy = by_port(rows.busy(connection, now, pool=name), pool.cluster, seen)
            new = _reservation(pool, busy, wish, now)
            rows.drop(connection, [each for each in new if (each.host, each.port) in busy])  # they are prolonged
            rows.add(connection, new)
            return self._reserved(connection, name, wish.owner)

        return await (self._store.rehearse if dry_run else self._store.write)(write)

    async def reserved(self, name: str, owner: str) -> list[Busy]:
        """What somebody has reserved of a pool now."""
        return await self._store.read(lambda connection: self._reserved(connection, name, owner))

    async def end(self, name: str, owner: str, *, dry_run: bool = False) -> int:
        """Frees what somebody has reserved of a pool; how many. NotFound where it is nothing."""

        def write(connection: Connection) -> int:
            rows.pool(connection, name)
            found = self._reserved(connection, name, owner)
            if not found:
                raise NotFound(f"{owner} has nothing reserved of the port pool {name}")
            rows.drop(connection, found)
            return len(found)

        return await (self._store.rehearse if dry_run else self._store.write)(write)

    def _check(self, pool: Pool) -> None:
        """Refused where the cluster is unknown, or does not have such ports."""
        cluster = self._clusters.get(pool.cluster)
        if cluster is None:
            known = ", ".join(self._clusters) or "none"
            raise Refused(f"the settings name no cluster {pool.cluster}; there is {known}")
        first, last = cluster.range
        if pool.way == "node-port" and not first <= pool.first <= pool.last <= last:
            raise Refused(f"the node ports of the cluster {cluster.name} are {first} to {last}; stay within them")
        if pool.way == "external-ip" and not cluster.external_ips:
            told = "does not allow external addresses, by which one tenant can catch another's traffic"
            raise Refused(f"the cluster {cluster.name} {told}; set its external_ips, or take another way")

    def _filled(self, connection: Connection, pool: Pool) -> Filled:
        return Filled(pool, rows.busy(connection, self._clock.time(), pool=pool.name))

    def _reserved(self, connection: Connection, name: str, owner: str) -> list[Busy]:
        return [held for held in rows.busy(connection, self._clock.time(), pool=name) if is_for(held, owner)]

    def _seen_too(self, filled: Filled) -> Filled:
        """With what the cluster is seen to use beside what is written down."""
        busy = by_port(filled.busy, filled.pool.cluster, self._foreign(filled.pool))
        return replace(filled, busy=[busy[key] for key in sorted(busy)])

    def _foreign(self, pool: Pool) -> dict[int, str]:
        if pool.way != "node-port":
            return {}
        return {port: who for port, who in self._seen(pool.cluster).items() if port in pool.range}


def of_tenant(connection: Connection, tenant: str) -> list[str]:
    """What is for this tenant alone, as people call it."""
    hosts = [(pool.name, host) for pool in rows.pools(connection) for host in pool.hosts]
    return [f"host {host.address} of the port pool {name}" for name, host in hosts if host.tenant == tenant]


def _check_tenants(connection: Connection, pool: Pool) -> None:
    known = set(connection.execute(select(_TENANT.c.name)).scalars())
    for host in pool.hosts:
        if host.tenant and host.tenant not in known:
            raise Refused(f"there is no tenant {host.tenant}; make it first")


def _reservation(pool: Pool, busy: Mapping[Key, Busy], wish: Wish, now: float) -> list[Busy]:
    host = _host(pool, wish.host)
    here = {port: held for (address, port), held in busy.items() if address == host.address}
    # Of so many ports none is one that he has already; a port that he names may be.
    room = Room(host, [pool], here, wish.owner if wish.ports else "")
    asked: Sequence[int | None] = wish.ports or [None] * wish.count
    chosen = room.choose(asked)
    if chosen is None:
        raise why_not(asked, [room], Claim(pool.cluster, wish.owner, "", way=pool.way))
    ends = now + wish.seconds
    held = partial(Busy, pool=pool.name, state="reserved", owner=wish.owner, expires_at=ends, at=now)
    return [held(pool.cluster, host.address, port) for port in chosen]


def _host(pool: Pool, address: str) -> PortHost:
    """The host of this address; without one the only one. Refused where it is not clear which."""
    if not address and len(pool.places) == 1:
        return pool.places[0]
    for host in pool.hosts:
        if address == host.address:
            return host
    if not pool.hosts:
        raise Refused(f"host: the ports of the pool {pool.name} are the same on every node: name no host")
    had = ", ".join(host.address for host in pool.hosts)
    raise Refused(f"host: say one that the port pool {pool.name} has: {had}")
