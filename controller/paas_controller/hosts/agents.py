"""The one place that speaks to agents: orders out, logs back, by HTTP or by a tunnel. Foreign words become ours here.

Retryable: the agent was not reached or cannot take it now. Refused: it will never take this order.
"""

import asyncio
import logging
import os
from collections.abc import Callable
from typing import Any

import aiohttp
import msgspec
from aiohttp import ClientTimeout

from paas_agent.contract import Accepted, Order
from paas_controller.base.addresses import is_loopback
from paas_controller.base.errors import Conflict, NotFound, PaasError, Refused, Retryable
from paas_controller.hosts.trust.refusals import Refusal
from paas_controller.hosts.trust.sentences import about
from paas_controller.hosts.ways import Reach, by_tunnel

_log = logging.getLogger(__name__)
_TIMEOUT = ClientTimeout(total=15, sock_connect=5)
_accepted = msgspec.json.Decoder(Accepted)


class JournalReplaced(PaasError):
    """The agent has another journal than the one the order was meant for."""

    status, code = 412, "journal-replaced"


class Agents:
    """Requests to the agents: over one pooled session, or down the tunnels that they keep."""

    def __init__(
        self, session: aiohttp.ClientSession, refused: Callable[[Refusal], None], *, plain_http: bool = False
    ) -> None:
        self._session, self._refused, self._plain_http = session, refused, plain_http
        self._unreached: set[str] = set()
        """Hosts that did not answer when they were called last."""

    async def order(self, to: Reach, action: str, order: Order) -> Accepted:
        """POST /{action}; the agent has journaled the order when this returns."""
        answer = await self._call("POST", to, f"/{action}", msgspec.json.encode(order))
        try:
            return _accepted.decode(answer)
        except msgspec.DecodeError as error:
            raise Retryable(f"what listens at {to.url} gave no agent's answer ({error})", after=2.0) from None

    async def check(self, to: Reach, order: Order) -> None:
        """Asks for a check now; this also makes the agent know the instance and check it from then on."""
        limits = ClientTimeout(total=order.check_timeout + 60, sock_connect=5)
        await self._call("POST", to, "/check", msgspec.json.encode(order), limits=limits)

    async def cancel(self, to: Reach, operation: str) -> None:
        """Ends an operation; NotFound where the agent does not know it."""
        await self._call("DELETE", to, f"/operations/{operation}")

    async def log(self, to: Reach, operation: str, offset: int) -> bytes:
        """The agent's answer to GET /operations/{id}/log, as it is."""
        return await self._call("GET", to, f"/operations/{operation}/log?offset={offset}")

    async def _call(
        self, method: str, to: Reach, path: str, body: bytes = b"", *, limits: ClientTimeout = _TIMEOUT
    ) -> bytes:
        if by_tunnel(to, self._unreached):
            status, answer = await self._down(method, to, path, body, limits)
        else:
            try:
                status, answer = await self._direct(method, to, path, body, limits)
                self._unreached.discard(to.host)
            except Retryable:
                if to.way == "direct" or to.line is None:
                    raise
                self._unreached.add(to.host)
                status, answer = await self._down(method, to, path, body, limits)
        if status in (200, 202):
            return answer
        raise _refusal(status, answer)

    async def _down(self, method: str, to: Reach, path: str, body: bytes, limits: ClientTimeout) -> tuple[int, bytes]:
        if to.line is None:
            raise Retryable(f"the tunnel of {to.host} is not open now; its agent opens it again by itself")
        try:
            async with asyncio.timeout(limits.total):
                return await to.line.ask(method, path, body, to.token)
        except TimeoutError:
            raise Retryable(f"the agent of {to.host} did not answer in time, down its tunnel") from None

    async def _direct(self, method: str, to: Reach, path: str, body: bytes, limits: ClientTimeout) -> tuple[int, bytes]:
        self._look(to)
        headers = {"Authorization": f"Bearer {to.token}", "Content-Type": "application/json"}
        try:
            async with self._session.request(
                method, to.url + path, data=body or None, headers=headers, timeout=limits, allow_redirects=False,
                server_hostname=to.name or None,
            ) as response:  # fmt: skip
                return response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            _log.debug("%s %s%s: %r", method, to.url, path, error)
            raise self._unreached_by(to, error) from None

    def _look(self, to: Reach) -> None:
        """Sends no token in the clear, unless that was asked for."""
        if to.url.startswith("http:") and not self._plain_http and not is_loopback(to.host.rpartition(":")[0]):
            told = (
                f"the agent of {to.host} speaks plain HTTP: join it again, or start this controller with --plain-http"
            )
            raise Retryable(told, after=5.0)

    def _unreached_by(self, to: Reach, error: Exception) -> Retryable:
        told = about(error)
        if not told:
            where, way = to.url.split("/")[2], f"paasctl host edit {to.host} --connection tunnel"
            return Retryable(
                f"the agent at {where} was not reached ({_why(error)}); where this controller cannot call it: {way}"
            )
        self._refused(Refusal(to.host, f"its agent {told}"))
        return Retryable(f"the agent of {to.host} {told}", after=5.0)


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    number = getattr(error, "errno", None) or 0
    return os.strerror(number) if number > 0 else type(error).__name__


def _refusal(status: int, answer: bytes) -> PaasError:
    said = _message(answer) or f"it answered {status}"
    match status:
        case 401 | 403:
            return Retryable(f"the agent does not know our token: {said}; enrol it again with paas-agent join")
        case 409:
            return Conflict(said)
        case 412:
            return JournalReplaced(said)
        case 404:
            return NotFound(f"the agent does not have this: {said}")
        case 400 | 413 | 422:
            return Refused(f"the agent refuses this: {said}")
    return Retryable(f"the agent cannot take this now: {said}", after=2.0)


def _message(answer: bytes) -> str:
    try:
        body: Any = msgspec.json.decode(answer)
        return str(body["error"]["message"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return ""
