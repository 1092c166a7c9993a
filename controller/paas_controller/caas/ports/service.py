"""Ports for instances: all in the caller's transaction, so that an instance and its ports are written together."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from sqlalchemy import Connection

from paas_controller.base.clock import Clock
from paas_controller.caas.ports import rows
from paas_controller.caas.ports.choice import Claim, Room, by_port, why_not
from paas_controller.caas.ports.pool import EVERYWHERE, Pool, PortHost, Way, way_of
from paas_controller.caas.ports.rows import Busy, Key

_SETTLES = 10.0
"""Seconds after which what the cluster is seen to have counts more than what it once said."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A port of a container that is to be reached, and by which port if one was asked for, at which place of the
    request. `name` tells several apart that lead to the same one.
    """

    component: str
    container: int
    asked: int | None = None
    name: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """A port that was given. `host` has no address where the port is the same on every node."""

    instance: str
    component: str
    container: int
    port: int
    pool: str
    host: PortHost = EVERYWHERE
    way: Way = "node-port"


class Ports:
    """Gives ports and takes them back. No port is given twice, however many write at once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def take(
        self, connection: Connection, wanted: Sequence[Wanted], claim: Claim, known_foreign: Mapping[int, str]
    ) -> dict[Wanted, Taken]:
        """A port for each, those of a component on one host. `known_foreign` are the node ports that the cluster is
        seen to use, and by whom. Conflict where there are too few or one is not free, Refused where it is in no pool.
        """
        if not wanted:
            return {}
        now, taken, new = self._clock.time(), dict[Wanted, Taken](), dict[Key, Busy]()
        of_cluster = rows.locked(connection, claim.cluster)
        claim = replace(claim, way=claim.way or way_of(of_cluster, claim.tenant))
        pools = [pool for pool in of_cluster if pool.way == claim.way]
        held = rows.busy(connection, 0.0, cluster=claim.cluster, but="taken")  # with those whose time is over
        some = _in_force(connection, held, now)
        before = by_port(some, claim.cluster, known_foreign, rows.taken(connection, claim.cluster))
        for _, group in groupby(wanted, key=lambda each: each.component):
            here = list(group)
            given = _given(here, _rooms(pools, before | new, claim), claim)
            if given is None:
                busy = by_port(rows.busy(connection, now, cluster=claim.cluster), claim.cluster, known_foreign)
                asked, places = [each.asked for each in wanted], [each.at for each in wanted]
                raise why_not(asked, _rooms(pools, busy, claim), claim, places)
            new |= {(each.host.address, each.port): _row(each, claim, now) for each in given.values()}
            taken |= given
        rows.drop(connection, [before[key] for key in new if key in before])  # they were reserved for it
        rows.add(connection, list(new.values()))
        return taken

    def another(self, connection: Connection, refused: Taken, claim: Claim, known_foreign: Mapping[int, str]) -> Taken:
        """Another node port in place of one that the cluster would not give, because somebody has it there."""
        self.foreign(connection, claim.cluster, refused.port, known_foreign.get(refused.port, ""))
        wanted = Wanted(refused.component, refused.container)
        return self.take(connection, [wanted], replace(claim, way=refused.way), known_foreign)[wanted]

    def foreign(self, connection: Connection, cluster: str, port: int, who: str) -> None:
        """Notes that something outside of the platform has this node port; whoever was given it here has it no more."""
        for pool in rows.locked(connection, cluster):
            if pool.way == "node-port" and port in pool.range:
                held = Busy(cluster, "", port, pool.name, "foreign", who, at=self._clock.time())
                rows.drop(connection, [held])
                rows.add(connection, [held])

    def left_by_strangers(self, connection: Connection, cluster: str, seen: Collection[int]) -> list[Busy]:
        """The foreign node ports that the cluster is no longer seen to use."""
        now = self._clock.time()
        foreign = (held for held in rows.busy(connection, now, cluster=cluster, but="taken") if held.state == "foreign")
        return [held for held in foreign if held.port not in seen and now - (held.at or 0) > _SETTLES]

    def forget_foreign(self, connection: Connection, cluster: str, seen: Collection[int]) -> None:
        """Frees those."""
        rows.drop(connection, self.left_by_strangers(connection, cluster, seen))

    def release(self, connection: Connection, instance: str) -> None:
        """Frees all that the instance has."""
        rows.drop_instance(connection, instance)

    def count(self, connection: Connection, app: str) -> int:
        """How many ports the instances of an app have."""
        return rows.count(connection, app)

    def of_app(self, connection: Connection, app: str) -> list[Taken]:
        """All that the instances of an app have, by host and port."""
        pools = rows.pools(connection)
        places = {(pool.name, host.address): (host, pool.way) for pool in pools for host in pool.places}
        return [
            Taken(one.instance, one.component, one.container_port, one.port, one.pool, *places[one.pool, one.host])
            for one in rows.busy(connection, self._clock.time(), app=app)
        ]


def _in_force(connection: Connection, held: Sequence[Busy], now: float) -> list[Busy]:
    """Without those whose time is over, which are dropped."""
    over = {one for one in held if one.expires_at is not None and one.expires_at <= now}
    rows.drop(connection, over)
    return [one for one in held if one not in over]


def _rooms(pools: Sequence[Pool], busy: Mapping[Key, Busy], claim: Claim) -> list[Room]:
    """Where this tenant may have ports: on hosts of its own first, never on those of others."""
    hosts = dict.fromkeys(host for pool in pools for host in pool.places if host.tenant in ("", claim.tenant))
    rooms = []
    for host in sorted(hosts, key=lambda host: not host.tenant):
        here = {port: held for (address, port), held in busy.items() if address == host.address}
        rooms.append(Room(host, [pool for pool in pools if host in pool.places], here, claim.app))
    return rooms


def _given(wanted: Sequence[Wanted], rooms: Sequence[Room], claim: Claim) -> dict[Wanted, Taken] | None:
    asked = [each.asked for each in wanted]
    for room in rooms:
        if (chosen := room.choose(asked)) is not None:
            return {each: _taken(each, port, room, claim) for each, port in zip(wanted, chosen, strict=True)}
    return None


def _taken(wanted: Wanted, port: int, room: Room, claim: Claim) -> Taken:
    pool = room.pool_of(port)
    assert pool is not None
    return Taken(claim.instance, wanted.component, wanted.container, port, pool.name, room.host, pool.way)


def _row(taken: Taken, claim: Claim, now: float) -> Busy:
    return Busy(
        claim.cluster, taken.host.address, taken.port, taken.pool, "taken", claim.app, claim.instance,
        taken.component, taken.container, at=now,
    )  # fmt: skip
