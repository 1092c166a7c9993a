"""HTTP of the registry, of joining and of reports."""

from typing import Any

import msgspec
from aiohttp import web

from paas_agent.contract import Join, Report
from paas_controller.base.clock import rfc3339
from paas_controller.base.errors import Invalid, Unauthorized
from paas_controller.base.principal import ADMINISTRATORS, AGENTS, READERS, WRITERS
from paas_controller.hosts.reports import Reports
from paas_controller.hosts.schemas import HostBody
from paas_controller.hosts.service import Host, Hosts, MembersOf, NamedHost
from paas_controller.identity.service import Identity
from paas_controller.web.answers import answer
from paas_controller.web.bodies import read_body
from paas_controller.web.routing import API, PRINCIPAL, Route

_report = msgspec.json.Decoder(Report)
_join = msgspec.json.Decoder(Join)


def host_routes(hosts: Hosts, reports: Reports, identity: Identity, members_of: MembersOf) -> list[Route]:
    async def report(request: web.Request) -> web.Response:
        try:
            body = _report.decode(await request.read())
        except (msgspec.DecodeError, RecursionError) as error:
            raise Invalid(f"this is no report: {error}") from None
        acknowledged = await reports.take(request[PRINCIPAL], body)
        return answer(acknowledged, 202)

    async def join(request: web.Request) -> web.Response:
        try:
            body = _join.decode(await request.read())
        except (msgspec.DecodeError, RecursionError):
            raise Unauthorized("joining takes a join token; make one with: paasctl host token") from None
        return answer(await hosts.join(body))

    async def join_token(_: web.Request) -> web.Response:
        token, ends = await identity.new_join_token()
        return answer({"join_token": token, "expires_at": rfc3339(ends)}, 201)

    async def all_hosts(_: web.Request) -> web.Response:
        return answer({"items": [_shown(host) for host in hosts.all()], "next": None})

    async def one(request: web.Request) -> web.Response:
        host = hosts.get(request.match_info["id"])
        return answer(_shown(host) | {"members": members_of(host.id)})

    async def add(request: web.Request) -> web.Response:
        body = await read_body(request, HostBody)
        host = await hosts.add(NamedHost(body.ip, str(body.agent_port), body.ssh_port, ""))
        return answer(_shown(host), 201)

    async def remove(request: web.Request) -> web.Response:
        identifier = request.match_info["id"]
        await hosts.remove(identifier, members_of(identifier))
        return answer({"name": identifier, "msg": "forgotten; its agent's token is no longer good"})

    return [
        Route("POST", f"{API}/agents/report", report, AGENTS),
        Route("POST", f"{API}/agents/join", join, None),
        Route("POST", f"{API}/hosts/join-tokens", join_token, ADMINISTRATORS),
        Route("GET", f"{API}/hosts", all_hosts, READERS),
        Route("POST", f"{API}/hosts", add, WRITERS),
        Route("GET", f"{API}/hosts/{{id}}", one, READERS),
        Route("DELETE", f"{API}/hosts/{{id}}", remove, WRITERS),
    ]


def _shown(host: Host) -> dict[str, Any]:
    heard = rfc3339(host.heard_at or None)
    shown = {"id": host.id, "ip": host.address, "agent_port": host.port, "state": host.state}
    return shown | {"version": host.version, "features": list(host.features), "last_heard": heard, "facts": host.facts}
