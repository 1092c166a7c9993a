"""The one place that speaks to agents: orders out, logs back. Foreign words become ours here.

Retryable: the agent was not reached or cannot take it now. Refused: it will never take this order.
"""

import logging
from typing import Any

import aiohttp
import msgspec
from aiohttp import ClientResponse, ClientTimeout

from paas_agent.contract import Accepted, Order
from paas_controller.base.errors import Conflict, NotFound, PaasError, Refused, Retryable

_log = logging.getLogger(__name__)
_TIMEOUT = ClientTimeout(total=15, sock_connect=5)
_accepted = msgspec.json.Decoder(Accepted)


class JournalReplaced(PaasError):
    """The agent has another journal than the one the order was meant for."""

    status, code = 412, "journal-replaced"


class Agents:
    """HTTP to the agents, over one pooled session."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def order(self, url: str, token: str, action: str, order: Order) -> Accepted:
        """POST /{action}; the agent has journaled the order when this returns."""
        answer = await self._call("POST", f"{url}/{action}", token, msgspec.json.encode(order))
        try:
            return _accepted.decode(answer)
        except msgspec.DecodeError as error:
            raise Retryable(f"what listens at {url} gave no agent's answer ({error})", after=2.0) from None

    async def check(self, url: str, token: str, order: Order) -> None:
        """Asks for a check now; this also makes the agent know the instance and check it from then on."""
        limits = ClientTimeout(total=order.check_timeout + 60, sock_connect=5)
        await self._call("POST", f"{url}/check", token, msgspec.json.encode(order), limits=limits)

    async def cancel(self, url: str, token: str, operation: str) -> None:
        """Ends an operation; NotFound where the agent does not know it."""
        await self._call("DELETE", f"{url}/operations/{operation}", token)

    async def log(self, url: str, token: str, operation: str, offset: int) -> bytes:
        """The agent's answer to GET /operations/{id}/log, as it is."""
        return await self._call("GET", f"{url}/operations/{operation}/log?offset={offset}", token)

    async def _call(
        self, method: str, url: str, token: str, body: bytes | None = None, *, limits: ClientTimeout = _TIMEOUT
    ) -> bytes:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        try:
            async with self._session.request(
                method, url, data=body, headers=headers, timeout=limits, allow_redirects=False
            ) as response:
                answer = await response.read()
                if response.status in (200, 202):
                    return answer
                raise _refusal(response, answer)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            _log.debug("%s %s: %r", method, url, error)
            raise Retryable(f"the agent at {url.split('/')[2]} was not reached ({type(error).__name__})") from None


def _refusal(response: ClientResponse, answer: bytes) -> PaasError:
    said = _message(answer) or f"{response.status} {response.reason}"
    match response.status:
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
