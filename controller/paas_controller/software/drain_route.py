"""HTTP of hosts under maintenance."""

from aiohttp import web

from paas_controller.base.principal import WRITERS
from paas_controller.hosts.schemas import ByHost, DrainBody
from paas_controller.software.draining import Maintenance
from paas_controller.web.answers import answer, rehearsed
from paas_controller.web.bodies import read_body
from paas_controller.web.queries import DryRun, read_query
from paas_controller.web.routing import API, PRINCIPAL, Route, Said
from paas_controller.web.schemas import Rehearsed, Told


def drain_route(maintenance: Maintenance) -> Route:
    """Draining a host, and the end of it."""

    async def drain(request: web.Request) -> web.Response:
        identifier, dry_run = request.match_info["id"], read_query(request, DryRun).dry_run
        asked = await read_body(request, DrainBody)
        if dry_run:
            return rehearsed(list(maintenance.rehearse(identifier, request[PRINCIPAL], enabled=asked.enabled)))
        told = await maintenance.drain(identifier, request[PRINCIPAL], enabled=asked.enabled)
        return answer({"name": identifier, "msg": told}, 202)

    return Route(
        "POST", f"{API}/hosts/{{id}}/drain", drain, WRITERS,
        Said("Stop what runs on a host and bring nothing up there, until that is ended; what is expected stays.",
             {200: Rehearsed, 202: Told}, body=DrainBody, query=DryRun, path=ByHost),
    )  # fmt: skip
