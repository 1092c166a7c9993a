"""HTTP of enrolment, of rotation, and of the CA that agents and people trust."""

import msgspec
from aiohttp import web

from paas_agent.contract import Join, Joined, Renew, Renewed
from paas_controller.base.clock import rfc3339
from paas_controller.base.errors import Conflict, Invalid, NotFound, Refused, Unauthorized
from paas_controller.base.principal import ADMINISTRATORS, AGENTS, WRITERS
from paas_controller.hosts.schemas import ByHost, JoinToken
from paas_controller.hosts.service import Hosts
from paas_controller.hosts.trust.refusals import Refusal
from paas_controller.hosts.trust.trust import Trust
from paas_controller.identity.service import Identity
from paas_controller.web.answers import answer, would
from paas_controller.web.queries import DryRun, read_query
from paas_controller.web.routing import ABOUT, API, PRINCIPAL, Route, Said
from paas_controller.web.schemas import Rehearsed, Told

_join, _renew = msgspec.json.Decoder(Join), msgspec.json.Decoder(Renew)
_PEM = "application/x-pem-file"
_LONGEST = 260
"""Characters of an address and a port."""


def trust_routes(known: Trust, hosts: Hosts, identity: Identity) -> list[Route]:
    enrolment, pinned = known.enrolment, known.contexts.pinned

    async def join(request: web.Request) -> web.Response:
        try:
            body = _join.decode(await request.read())
        except (msgspec.DecodeError, RecursionError):
            raise Unauthorized("joining takes a join token; make one with: paasctl host token") from None
        request[ABOUT] = identifier = f"{body.address}:{body.port}"
        try:
            return answer(await enrolment.join(body))
        except (Unauthorized, Invalid, Refused, Conflict) as error:
            host = identifier if hosts.find(identifier) else ""
            known.refusals.note(
                Refusal(host, f"joining as {identifier[:_LONGEST]}: {error.message}", request.remote or "")
            )
            raise

    async def renew(request: web.Request) -> web.Response:
        try:
            body = _renew.decode(await request.read())
        except (msgspec.DecodeError, RecursionError) as error:
            raise Invalid(f"this is no request for a certificate: {error}") from None
        host = hosts.get(request[PRINCIPAL].host)
        return answer(await enrolment.renew(host, identity.shown_hash(request), body))

    async def join_token(request: web.Request) -> web.Response:
        if read_query(request, DryRun).dry_run:
            return would("issue a join token")
        token, ends = await identity.new_join_token()
        shown = f"{token}.{pinned.fingerprint}" if pinned else token
        return answer({"join_token": shown, "expires_at": rfc3339(ends)}, 201)

    async def rotate(request: web.Request) -> web.Response:
        identifier, dry_run = request.match_info["id"], read_query(request, DryRun).dry_run
        await enrolment.rotate(identifier, dry_run=dry_run)
        if dry_run:
            return would("rotate", identifier)
        told = "gets new tokens and a new certificate with its next report; the former ones end with their first use"
        return answer({"name": identifier, "msg": told}, 202)

    async def ca(_: web.Request) -> web.Response:
        if pinned is None:
            raise NotFound("this controller serves no certificate of its own CA")
        return web.Response(text=pinned.text, content_type=_PEM)

    return [
        Route("POST", f"{API}/agents/join", join, None,
              Said("Enrol an agent with a join token.", {200: Joined}, body=Join, refusals=(401, 409, 422))),
        Route("POST", f"{API}/agents/renew", renew, AGENTS,
              Said("Give an agent another certificate and, where it is rotated, other tokens.", {200: Renewed},
                   body=Renew, refusals=(422,))),
        Route("POST", f"{API}/hosts/join-tokens", join_token, ADMINISTRATORS,
              Said("Make a token that enrols one host, once, within an hour.", {200: Rehearsed, 201: JoinToken},
                   query=DryRun)),
        Route("POST", f"{API}/hosts/{{id}}/rotate", rotate, WRITERS,
              Said("Have an agent's tokens and certificate replaced.", {200: Rehearsed, 202: Told}, query=DryRun,
                   path=ByHost, refusals=(409,))),
        Route("GET", "/ca.pem", ca, None,
              Said("The certificate of the CA by which this controller is known.", {200: _PEM}, refusals=(404,))),
    ]  # fmt: skip
