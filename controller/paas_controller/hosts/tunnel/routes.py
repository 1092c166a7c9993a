"""The door for tunnels: who may keep one, and what becomes of what comes up it."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from aiohttp import WSCloseCode, web

from paas_agent import frames
from paas_agent.frames import Answered, Asked
from paas_controller.base.errors import Conflict, Forbidden, NotFound, PaasError, Refused
from paas_controller.base.logs import request_id
from paas_controller.base.principal import AGENTS, Principal
from paas_controller.hosts.reports import Reports
from paas_controller.hosts.routes import Used, read_report
from paas_controller.hosts.service import Hosts
from paas_controller.hosts.trust.refusals import Refusal
from paas_controller.hosts.tunnel.tunnel import Tunnel
from paas_controller.identity.service import Identity
from paas_controller.web.faults import error_response, ours
from paas_controller.web.routing import API, PRINCIPAL, Authenticate, Route, Said

_log = logging.getLogger(__name__)
_REPORT = ("POST", f"{API}/agents/report")
_GOODBYE = 2.0
"""Seconds for which an agent's own goodbye is waited for."""


@dataclass(frozen=True)
class Keys:
    """By what tunnels are opened, as a report is let in; `refused` hears of who speaks for another host."""

    authenticate: Authenticate
    identity: Identity
    used: Used
    refused: Callable[[Refusal], None]


class Tunnels:
    """Those that are open, each at its host."""

    def __init__(self, hosts: Hosts, reports: Reports, keys: Keys) -> None:
        self._hosts, self._reports, self._keys = hosts, reports, keys
        self._serving: set[Tunnel] = set()

    def routes(self) -> list[Route]:
        told = "Keep a websocket, down which an agent is asked what it is otherwise asked over HTTP."
        return [Route("GET", frames.PATH, self._open, AGENTS, Said(told, {101: None}, refusals=(409, 422)))]

    async def _open(self, request: web.Request) -> web.WebSocketResponse:
        host = self._hosts.get(request[PRINCIPAL].host)
        if host.way == "direct":
            raise Conflict(f"{host.id} is called at its address; paasctl host edit changes that")
        socket = web.WebSocketResponse(
            heartbeat=frames.PING_EVERY, max_msg_size=frames.LARGEST, compress=False, timeout=_GOODBYE
        )
        if not socket.can_prepare(request):
            raise Refused("this is for websockets")
        shown = self._keys.identity.shown_hash(request)
        await self._keys.used(host, shown)
        await socket.prepare(request)
        try:
            principal = self._keys.authenticate(request)  # again: it may have been withdrawn meanwhile
        except PaasError as error:
            _log.info("%s is refused its tunnel: %s", host.id, error.message)
            await socket.close(code=WSCloseCode.POLICY_VIOLATION)
            return socket
        tunnel = Tunnel(socket, host.id, shown, lambda asked: self._answer(request, principal, asked))
        await self._serve(tunnel, host.id)
        return socket

    async def _serve(self, tunnel: Tunnel, host: str) -> None:
        self._serving.add(tunnel)
        self._hosts.opened(host, tunnel)
        _log.info("%s keeps a tunnel", host)
        try:
            await tunnel.serve()
        finally:  # also where a lost connection ends this task
            _log.info("the tunnel of %s is closed: %s", host, tunnel.why)
            self._hosts.closed(host, tunnel)
            self._serving.discard(tunnel)

    async def _answer(self, request: web.Request, principal: Principal, asked: Asked) -> Answered:
        """To a report, which is all that comes up."""
        try:
            if (asked.method, asked.path) != _REPORT:
                raise NotFound(f"nothing is asked up a tunnel by {asked.method} {asked.path}")
            taken = await self._reports.take(principal, read_report(asked.body))
        except Exception as error:
            refusal = ours(error, request)
            if isinstance(refusal, Forbidden):
                self._keys.refused(Refusal(principal.host, refusal.message, request.remote or ""))
            _log.info("%s of %s, up its tunnel: %s", asked.path, principal.host, refusal.message)
            said = error_response(refusal, request_id.get())
            assert isinstance(said.body, bytes)
            return Answered(number=asked.number, status=said.status, body=said.body)
        return Answered(number=asked.number, status=202, body=msgspec.json.encode(taken))

    async def close(self, _: web.Application) -> None:
        """This controller ends: agents hear of it at once, and come again when it is back."""
        open_now = list(self._serving)
        for tunnel in open_now:
            tunnel.close("the controller stops")
        await asyncio.gather(*(tunnel.closed() for tunnel in open_now))
