"""Who shows an agent's token has to show that host's certificate, and nobody else may: a stolen token alone is worth
nothing, and a certificate that was withdrawn nothing either, also on a connection that is open.
"""

import ssl
from collections.abc import Iterator, Mapping
from typing import Any

from aiohttp import web

from paas_controller.base.clock import Clock, rfc3339
from paas_controller.base.errors import Forbidden, Unauthorized
from paas_controller.base.principal import Principal
from paas_controller.hosts.host import Host
from paas_controller.hosts.service import Hosts
from paas_controller.hosts.trust.refusals import Refusal, Refusals
from paas_controller.web.routing import PRINCIPAL, Authenticate, Handler, Route

_JOIN_AGAIN = "join this host again with paas-agent join"
Shown = Mapping[str, Any]
"""A certificate as `SSLObject.getpeercert` gives it; empty where none was shown."""


class Guard:
    """Stands behind `authenticate`, which looks at the token alone."""

    def __init__(self, authenticate: Authenticate, hosts: Hosts, refusals: Refusals, clock: Clock) -> None:
        self._token_of, self._hosts, self._refusals, self._clock = authenticate, hosts, refusals, clock

    def authenticate(self, request: web.Request) -> Principal:
        """Who asks; raises Unauthorized, and Forbidden for a token and a certificate that do not belong together."""
        principal = self._known(request)
        transport = request.transport
        if transport is not None and transport.get_extra_info("sslcontext") is not None:
            self._look(principal, transport.get_extra_info("peercert") or {}, request.remote or "")
        return principal

    def _known(self, request: web.Request) -> Principal:
        try:
            return self._token_of(request)
        except Unauthorized:
            if "Authorization" in request.headers:
                self._refusals.note(Refusal("", "the token is unknown, or no longer good", request.remote or ""))
            raise

    def overhear(self, _: Route, handler: Handler) -> Handler:
        """Notes what a host is refused because it speaks for what is not on it."""

        async def overheard(request: web.Request) -> web.StreamResponse:
            try:
                return await handler(request)
            except Forbidden as error:
                if PRINCIPAL in request and request[PRINCIPAL].host:
                    self._refusals.note(Refusal(request[PRINCIPAL].host, error.message, request.remote or ""))
                raise

        return overheard

    def refused(self, peer: str, sentence: str) -> None:
        """Takes down a handshake that failed."""
        host = next((host.id for host in self._hosts.at(peer)), "")
        self._refusals.note(Refusal(host, f"what comes from {'its address' if host else peer} {sentence}", peer))

    def _look(self, principal: Principal, shown: Shown, peer: str) -> None:
        if not shown and not principal.host:
            return
        holder = self._holder(shown)
        told = self._objection(principal, shown, holder)
        if told:
            host = principal.host or (holder.id if holder else "")
            if host:
                self._refusals.note(Refusal(host, told, peer))
            raise Forbidden(told) if principal.host else Unauthorized(told)

    def _objection(self, principal: Principal, shown: Shown, holder: Host | None) -> str:
        """What speaks against it; empty where nothing does."""
        if not shown:
            host = self._hosts.get(principal.host)
            missing = f"the token of {host.id} came without that host's certificate; {_JOIN_AGAIN}"
            return missing if host.enrolment else ""
        if holder is None:
            return f"this certificate was withdrawn; {_JOIN_AGAIN}"
        if holder.id != principal.host:
            return f"this certificate is that of {holder.id}, and the token is not; {_JOIN_AGAIN}"
        ended = ssl.cert_time_to_seconds(shown["notAfter"])
        if ended <= self._clock.time():
            clocks = "where the controller's clock is wrong, set it"
            return f"the certificate of {holder.id} ended on {rfc3339(ended)}; {_JOIN_AGAIN}; {clocks}"
        return ""

    def _holder(self, shown: Shown) -> Host | None:
        return next((host for name in _names(shown) if (host := self._hosts.named(name))), None)


def _names(shown: Shown) -> Iterator[str]:
    return (str(name) for kind, name in shown.get("subjectAltName", ()) if kind == "DNS")
