"""HTTP of port pools and reservations."""

from typing import Any

from aiohttp import web

from paas_controller.base.clock import rfc3339
from paas_controller.base.principal import ADMINISTRATORS, READERS, WRITERS
from paas_controller.caas.ports.pool import Pool, PortHost
from paas_controller.caas.ports.pools import Filled, Pools, Wish
from paas_controller.caas.ports.rows import Busy
from paas_controller.caas.ports.schemas import (
    ByPool,
    ByReservation,
    FreePorts,
    PoolOrRehearsed,
    PortPoolBody,
    PortPoolList,
    PortPoolWithPorts,
    ReservationBody,
    ReservationOrRehearsed,
)
from paas_controller.web.answers import answer, would
from paas_controller.web.bodies import read_body
from paas_controller.web.queries import DryRun, read_query
from paas_controller.web.routing import ABOUT, API1, Route, Said
from paas_controller.web.schemas import ToldOrRehearsed

_POOLS = f"{API1}/port_pools"
_RESERVATIONS = f"{_POOLS}/{{name}}/reservations"


def port_routes(pools: Pools) -> list[Route]:
    """Pools for administrators, reservations for portals, and both to look at."""
    return [*_pool_routes(pools), *_reservation_routes(pools)]


def _pool_routes(pools: Pools) -> list[Route]:
    async def make(request: web.Request) -> web.Response:
        body, dry_run = await read_body(request, PortPoolBody), read_query(request, DryRun).dry_run
        request[ABOUT] = body.name
        hosts = tuple(PortHost(host.address, host.node, host.tenant) for host in body.hosts)
        pool = Pool(body.name, body.cluster, body.way, body.first, body.last, hosts)
        made = await pools.make(pool, dry_run=dry_run)
        if dry_run:
            return would("make a port pool", why=f"{pool.name}: {pool.size} ports of the cluster {pool.cluster}")
        return answer(_shown(made), 201)

    async def made(request: web.Request) -> web.Response:
        return answer(_shown(await pools.one((await read_body(request, PortPoolBody)).name)), 201)

    async def listed(_: web.Request) -> web.Response:
        return answer({"items": [_shown(filled) for filled in await pools.all()], "next": None})

    async def one(request: web.Request) -> web.Response:
        filled = await pools.one(request.match_info["name"])
        return answer(_shown(filled) | {"ports": [_port(held) for held in filled.busy]})

    async def remove(request: web.Request) -> web.Response:
        name, dry_run = request.match_info["name"], read_query(request, DryRun).dry_run
        await pools.remove(name, dry_run=dry_run)
        return would("delete a port pool", why=name) if dry_run else answer({"name": name, "msg": "deleted"})

    async def free(request: web.Request) -> web.Response:
        filled = await pools.one(request.match_info["name"])
        stretches = filled.pool.free({(held.host, held.port) for held in filled.busy})
        ranges = [{"host": host, "first": first, "last": last} for host, first, last in stretches]
        return answer({"pool": filled.pool.name, "free": filled.free, "ranges": ranges})

    return [
        Route("POST", _POOLS, make, ADMINISTRATORS,
              Said("Name ports that may be given away.", {200: PoolOrRehearsed, 201: PoolOrRehearsed},
                   body=PortPoolBody, query=DryRun), made),
        Route("GET", _POOLS, listed, READERS, Said("List port pools, and what is left of each.", {200: PortPoolList})),
        Route("GET", f"{_POOLS}/{{name}}", one, READERS,
              Said("Show a port pool, and who has what of it.", {200: PortPoolWithPorts}, path=ByPool)),
        Route("DELETE", f"{_POOLS}/{{name}}", remove, ADMINISTRATORS,
              Said("Delete a port pool of which nothing is taken; what is reserved of it ends.",
                   {200: ToldOrRehearsed}, query=DryRun, path=ByPool, refusals=(409,))),
        Route("GET", f"{_POOLS}/{{name}}/free", free, READERS,
              Said("Ask what is free of a port pool.", {200: FreePorts}, path=ByPool)),
    ]  # fmt: skip


def _reservation_routes(pools: Pools) -> list[Route]:
    async def reserve(request: web.Request) -> web.Response:
        body, dry_run = await read_body(request, ReservationBody), read_query(request, DryRun).dry_run
        name, wish = request.match_info["name"], _wish(body)
        reserved = await pools.reserve(name, wish, dry_run=dry_run)
        if dry_run:
            return would("reserve", why=f"{wish.owner} then has {_spelled(reserved)} of the port pool {name}")
        return answer(_reservation(name, wish.owner, reserved), 201)

    async def again(request: web.Request) -> web.Response:
        name, owner = request.match_info["name"], (await read_body(request, ReservationBody)).owner
        return answer(_reservation(name, owner, await pools.reserved(name, owner)), 201)

    async def end(request: web.Request) -> web.Response:
        name, owner = request.match_info["name"], request.match_info["owner"]
        dry_run = read_query(request, DryRun).dry_run
        count = await pools.end(name, owner, dry_run=dry_run)
        told = f"{count} port{'s are' if count > 1 else ' is'} free again"
        return would("end a reservation", why=f"{owner}: {told}") if dry_run else answer({"name": owner, "msg": told})

    return [
        Route("POST", _RESERVATIONS, reserve, WRITERS,
              Said("Reserve ports of a pool for somebody, for a day at most.",
                   {200: ReservationOrRehearsed, 201: ReservationOrRehearsed},
                   body=ReservationBody, query=DryRun, path=ByPool), again),
        Route("DELETE", f"{_RESERVATIONS}/{{owner}}", end, WRITERS,
              Said("Free what somebody has reserved of a pool.", {200: ToldOrRehearsed}, query=DryRun,
                   path=ByReservation)),
    ]  # fmt: skip


def _wish(body: ReservationBody) -> Wish:
    return Wish(body.owner, body.seconds, body.count or 0, body.ports or (), body.host)


def _shown(filled: Filled) -> dict[str, Any]:
    pool, states = filled.pool, filled.states
    hosts = [{"address": host.address, "node": host.node, "tenant": host.tenant} for host in pool.hosts]
    shown = {"name": pool.name, "cluster": pool.cluster, "way": pool.way, "first": pool.first, "last": pool.last}
    shown |= {"hosts": hosts, "created_at": rfc3339(pool.created_at), "size": pool.size, "free": filled.free}
    return shown | {state: states[state] for state in ("taken", "reserved", "foreign")}


def _port(held: Busy) -> dict[str, Any]:
    names = ("host", "port", "state", "owner", "instance", "component", "container_port")
    return {name: getattr(held, name) for name in names} | {"expires_at": rfc3339(held.expires_at)}


def _reservation(pool: str, owner: str, reserved: list[Busy]) -> dict[str, Any]:
    ports = [{"host": held.host, "port": held.port, "expires_at": rfc3339(held.expires_at)} for held in reserved]
    return {"pool": pool, "owner": owner, "ports": ports}


def _spelled(reserved: list[Busy]) -> str:
    return ", ".join(f"{held.host}:{held.port}" if held.host else str(held.port) for held in reserved)
