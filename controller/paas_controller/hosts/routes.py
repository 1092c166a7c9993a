"""HTTP of the registry and of reports."""

from collections.abc import Awaitable, Callable
from math import isfinite
from typing import Any

import msgspec
from aiohttp import web

from paas_agent.contract import Acknowledged, Report
from paas_controller.base.clock import rfc3339
from paas_controller.base.errors import Invalid
from paas_controller.base.principal import AGENTS, READERS, WRITERS
from paas_controller.hosts.bootstrap.hostkeys import fingerprint
from paas_controller.hosts.bootstrap.schemas import shown as bootstrap_shown
from paas_controller.hosts.credentials import as_text, unmasked
from paas_controller.hosts.host import Host
from paas_controller.hosts.naming import NamedHost
from paas_controller.hosts.reports import Reports
from paas_controller.hosts.schemas import (
    ByHost,
    HostBody,
    HostChange,
    HostList,
    HostOrRehearsed,
    HostShown,
    HostWithMembers,
)
from paas_controller.hosts.service import Hosts, MembersOf, PendingOn
from paas_controller.hosts.upgrade.schemas import shown as upgrade_shown
from paas_controller.identity.service import Identity
from paas_controller.web.answers import answer, would
from paas_controller.web.bodies import read_body
from paas_controller.web.queries import DryRun, read_query
from paas_controller.web.routing import ABOUT, API, PRINCIPAL, Route, Said
from paas_controller.web.schemas import Rehearsed, ToldOrRehearsed

_report = msgspec.json.Decoder(Report)


Used = Callable[[Host, str], Awaitable[None]]
"""Hears of a report, and of the hash of the token that came with it."""


def _number(written: str) -> int | float:
    value = float(written)
    if not isfinite(value):
        raise msgspec.ValidationError(f"the number {written} is out of range")
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


_untyped = msgspec.json.Decoder(float_hook=_number)


def _heard(body: bytes) -> Report:
    try:
        return _report.decode(body)
    except msgspec.ValidationError:  # 3.0 is an integer to JSON Schema, not to msgspec
        return msgspec.convert(_untyped.decode(body), Report)


def read_report(body: bytes) -> Report:
    """The report of a body; Invalid."""
    try:
        return _heard(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Invalid(f"this is no report: {error}") from None


def agent_routes(hosts: Hosts, reports: Reports, identity: Identity, used: Used) -> list[Route]:
    """What agents ask: to be heard."""

    async def report(request: web.Request) -> web.Response:
        body = read_report(await request.read())
        host = hosts.get(request[PRINCIPAL].host)
        if host.following:  # to hash its token takes longer than to find out that there is no need
            await used(host, identity.shown_hash(request))
        acknowledged = await reports.take(request[PRINCIPAL], body)
        return answer(acknowledged, 202)

    return [
        Route("POST", f"{API}/agents/report", report, AGENTS,
              Said("Take an agent's report.", {202: Acknowledged}, body=Report)),
    ]  # fmt: skip


def host_routes(hosts: Hosts, members_of: MembersOf, pending_on: PendingOn) -> list[Route]:
    """The registry, as people see and change it."""

    async def all_hosts(_: web.Request) -> web.Response:
        return answer({"items": [_shown(host) for host in hosts.all()], "next": None})

    async def one(request: web.Request) -> web.Response:
        host = hosts.get(request.match_info["id"])
        return answer(_shown(host) | {"members": members_of(host.id), "pending": pending_on(host.id)})

    async def add(request: web.Request) -> web.Response:
        body = await read_body(request, HostBody)
        dry_run = read_query(request, DryRun).dry_run
        ssh_port = body.ssh_port if "ssh_port" in body.model_fields_set else 0
        auth = as_text(unmasked("auth", body.auth, []))
        named = NamedHost(body.ip, str(body.agent_port), ssh_port, auth, body.connection)
        request[ABOUT] = named.id
        host = await hosts.add(named, dry_run=dry_run)
        return would("add", host.id) if dry_run else answer(_shown(host), 201)

    async def added(request: web.Request) -> web.Response:
        body = await read_body(request, HostBody)
        return answer(_shown(hosts.get(f"{body.ip}:{body.agent_port}")), 201)

    async def edit(request: web.Request) -> web.Response:
        body, dry_run = await read_body(request, HostChange), read_query(request, DryRun).dry_run
        host = await hosts.edit(request.match_info["id"], body, dry_run=dry_run)
        return would("change", host.id, "how it is reached") if dry_run else answer(_shown(host))

    async def edited(request: web.Request) -> web.Response:
        return answer(_shown(hosts.get(request.match_info["id"])))

    async def remove(request: web.Request) -> web.Response:
        identifier = request.match_info["id"]
        dry_run = read_query(request, DryRun).dry_run
        await hosts.remove(identifier, dry_run=dry_run)
        if dry_run:
            return would("forget", identifier)
        return answer({"name": identifier, "msg": "forgotten; its agent's token and certificate are no longer good"})

    return [
        Route("GET", f"{API}/hosts", all_hosts, READERS, Said("All hosts.", {200: HostList})),
        Route("POST", f"{API}/hosts", add, WRITERS,
              Said("Name a host before anything stands on it.", {200: Rehearsed, 201: HostShown}, body=HostBody,
                   query=DryRun, refusals=(409,)), added),
        Route("GET", f"{API}/hosts/{{id}}", one, READERS,
              Said("A host, and which members stand on it.", {200: HostWithMembers}, path=ByHost)),
        Route("PUT", f"{API}/hosts/{{id}}", edit, WRITERS,
              Said("Change how a host is reached: by SSH, and by orders.", {200: HostOrRehearsed},
                   body=HostChange, query=DryRun, path=ByHost), edited),
        Route("DELETE", f"{API}/hosts/{{id}}", remove, WRITERS,
              Said("Forget a host on which nothing stands.", {200: ToldOrRehearsed}, query=DryRun, path=ByHost,
                   refusals=(409,))),
    ]  # fmt: skip


def _shown(host: Host) -> dict[str, Any]:
    heard = rfc3339(host.heard_at or None)
    shown: dict[str, Any] = {"id": host.id, "ip": host.address, "agent_port": host.port, "state": host.state}
    shown |= {"ssh_port": host.ssh_port or 22, "auth": host.auth}
    shown |= {"host_key": fingerprint(host.host_key), "host_key_refused": fingerprint(host.host_key_refused)}
    shown |= {"bootstrap": bootstrap_shown(host.bootstrap), "upgrade": upgrade_shown(host.upgrade)}
    shown |= {"connection": host.way, "tunnel": host.line is not None}
    shown |= {"certificate_ends": rfc3339(host.certificate_ends), "rotating": host.rotating}
    draining = host.draining and {"by": host.draining.by, "since": rfc3339(host.draining.since)}
    shown["draining"] = draining
    return shown | {"version": host.version, "features": list(host.features), "last_heard": heard, "facts": host.facts}
