"""Which port is given: pure thinking over what is busy."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from paas_controller.base.errors import Conflict, PaasError, Refused
from paas_controller.caas.ports.pool import Pool, PortHost, Way
from paas_controller.caas.ports.rows import Busy, Key

_TAKEN = Busy("", "", 0, "", "taken", "")


@dataclass(frozen=True, slots=True)
class Claim:
    """For whom ports are: the label of an app, the id of an instance of it, and the tenant whose they are. Where no
    `way` is said, it is the one that this tenant's apps are reached by.
    """

    cluster: str
    app: str
    instance: str
    tenant: str = ""
    way: Way | None = None


@dataclass(frozen=True, slots=True)
class Room:
    """The ports of one host, or those of every node; `busy` is by port."""

    host: PortHost
    pools: Sequence[Pool]
    busy: Mapping[int, Busy]
    app: str

    def pool_of(self, port: int) -> Pool | None:
        return next((pool for pool in self.pools if port in pool.range), None)

    def choose(self, asked: Sequence[int | None]) -> list[int] | None:
        """A port for each, in their order: the asked one, else one that is reserved for the app, else the lowest that
        is free. None where they cannot all be had here.
        """
        named = [port for port in asked if port is not None]
        if len(set(named)) < len(named) or not all(map(self._is_free, named)):
            return None
        rest = (port for port in self.free() if port not in named)
        chosen = [next(rest, 0) if port is None else port for port in asked]
        return chosen if all(chosen) else None

    def _is_free(self, port: int) -> bool:
        held = self.busy.get(port)
        return self.pool_of(port) is not None and (held is None or is_for(held, self.app))

    def free(self) -> Iterator[int]:
        """What is reserved for the app, then all that nobody has."""
        yield from (port for port in sorted(self.busy) if is_for(self.busy[port], self.app) and self.pool_of(port))
        for pool in sorted(self.pools, key=lambda pool: pool.first):
            yield from (port for port in pool.range if port not in self.busy)


def by_port(busy: Iterable[Busy], cluster: str, seen: Mapping[int, str], taken: Iterable[Key] = ()) -> dict[Key, Busy]:
    """What is not free by what is written, and by the node ports that the cluster is seen to use: that one of them is
    reserved has kept nobody off. Of those that are only known as `taken` it says no more than that.
    """
    found = dict.fromkeys(taken, _TAKEN) | {(held.host, held.port): held for held in busy}
    for port, who in seen.items():
        if (held := found.get(("", port))) is None or held.state == "reserved":
            found["", port] = Busy(cluster, "", port, "", "foreign", who)
    return found


def is_for(held: Busy, owner: str) -> bool:
    """Whether it is reserved, and for this one."""
    return held.state == "reserved" and held.owner == owner


def why_not(asked: Sequence[int | None], rooms: Sequence[Room], claim: Claim, places: Sequence[str] = ()) -> PaasError:
    """Why these ports cannot be had in any of the rooms, in a sentence; `places` are where each stands in a request."""
    if not any(room.pools for room in rooms):
        return _no_room(claim)
    named = [port for port in asked if port is not None]
    if twice := [port for port in named if named.count(port) > 1]:
        return _at(_last(asked, twice[0], places), Refused(f"port {twice[0]} is asked for twice"))
    for port in named:
        if refusal := _not_this(port, rooms, claim):
            return _at(_last(asked, port, places), refusal)
    if named and not any(room.choose(named) for room in rooms):
        told = " and ".join(map(str, named))
        return Conflict(f"no host of the cluster {claim.cluster} has {told} free together; take others, or name none")
    return _full(len(asked), rooms, claim)


def _last(asked: Sequence[int | None], port: int, places: Sequence[str]) -> str:
    return next((place for each, place in zip(reversed(asked), reversed(places), strict=False) if each == port), "")


def _at(place: str, refusal: PaasError) -> PaasError:
    return type(refusal)(f"{place}: {refusal.message}") if place else refusal


def _not_this(port: int, rooms: Sequence[Room], claim: Claim) -> PaasError | None:
    holding = [room for room in rooms if room.pool_of(port)]
    if not holding:
        had = ", ".join(f"{pool.first} to {pool.last}" for pool in _pools(rooms))
        told = f"port {port} is in no port pool of the cluster {claim.cluster}"
        return Refused(f"{told}; take one of {had}, or name none")
    if any(room.choose([port]) for room in holding):
        return None
    held = holding[0].busy[port]
    return Conflict(f"port {port} is {_TOLD[held.state]}; take another one, or name none")


_TOLD = {"taken": "taken", "reserved": "reserved", "foreign": "in use by something outside of the platform"}
_WAYS = {"node-port": "node ports", "host-port": "ports of hosts", "external-ip": "ports of external addresses"}


def _no_room(claim: Claim) -> PaasError:
    way = claim.way or "node-port"
    whose = f" for the tenant {claim.tenant}" if claim.tenant and way != "node-port" else ""
    told = f"the cluster {claim.cluster} has no pool of {_WAYS[way]}{whose}"
    return Conflict(f"{told}; an administrator has to make one")


def _full(count: int, rooms: Sequence[Room], claim: Claim) -> Conflict:
    pools = _pools(rooms)
    named = " and ".join(pool.name for pool in pools)
    free = [sum(1 for _ in room.free()) for room in rooms]
    where = f"the port pool{'s' if len(pools) > 1 else ''} {named} of the cluster {claim.cluster}"
    size = sum(len(pool.range) for room in rooms for pool in room.pools)
    told = f"{_so_many(sum(free), count)} free in {where}, {size} in all{_most(rooms, claim)}"
    return Conflict(f"{told}{f', and {count} are asked for' if any(free) else ''}; delete what is not needed")


def _so_many(free: int, count: int) -> str:
    if free >= count:
        return "on no host enough ports are"
    return f"only {free} port{' is' if free == 1 else 's are'}" if free else "no port is"


def _most(rooms: Sequence[Room], claim: Claim) -> str:
    """Who has most of them, and what is lost to strangers. A tenant is told of no other one."""
    held_here = [held for room in rooms for held in room.busy.values() if room.pool_of(held.port)]
    ours = [held for held in held_here if held.state != "foreign"]
    strangers, owners = len(held_here) - len(ours), Counter(_told_owners(ours, claim))
    told = [f"{owner} has {count}" for owner, count in owners.most_common(1)]
    if strangers:
        told.append(f"{strangers} {'is' if strangers == 1 else 'are'} in use by something outside of the platform")
    return f", of which {' and '.join(told)}" if told else ""


def _told_owners(busy: Iterable[Busy], claim: Claim) -> list[str]:
    return [held.owner for held in busy if not claim.tenant or held.owner == claim.app]


def _pools(rooms: Sequence[Room]) -> list[Pool]:
    found = {pool.name: pool for room in rooms for pool in room.pools}
    return [found[name] for name in sorted(found)]
