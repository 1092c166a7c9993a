"""Another certificate before this one ends, and other tokens when the controller wants them: by itself, in time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

import aiohttp
import msgspec
from yarl import URL

from paas_agent.contract import Renew, Renewed
from paas_agent.download import why_of
from paas_agent.errors import sentence
from paas_agent.keys import KeyAndRequest, NoKey
from paas_agent.trust import Trust

log = logging.getLogger(__name__)

_PATH = "apis/v1alpha1/agents/renew"
_TIMEOUT = aiohttp.ClientTimeout(total=30, connect=5)
_LOOK_EVERY = 3600.0
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 600.0
RENEW_AT = 2 / 3
"""Of a certificate's life."""


@dataclass(frozen=True)
class Needs:
    """`now` is UTC seconds; `told` is called when there is something new to show the controller."""

    session: aiohttp.ClientSession
    now: Callable[[], float]
    new_key: Callable[[], Awaitable[KeyAndRequest]]
    told: Callable[[], None]


class NotRenewed(Exception):
    """A sentence why."""


class Renewal:
    """Looks after tokens and certificate, for ever."""

    def __init__(self, trust: Trust, needs: Needs) -> None:
        self._trust, self._needs = trust, needs
        self._asked = asyncio.Event()

    def ask(self) -> None:
        """The controller wants it now."""
        self._asked.set()

    async def run(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            await self._due()
            try:
                await self._renew()
            except (NotRenewed, NoKey, OSError) as error:
                log.warning("certificate and tokens stay as they are: %s; it is tried again", error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
            else:
                self._asked.clear()
                self._needs.told()
                pause = _FIRST_PAUSE

    async def _due(self) -> None:
        """Until it is asked for, or two thirds of the certificate's life are over."""
        while not self._asked.is_set():
            wait = _LOOK_EVERY
            if self._trust.membership.certificate:
                wait = min(wait, self._trust.membership.renew_at - self._needs.now())
            if wait <= 0:
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._asked.wait()

    async def _renew(self) -> None:
        has_one = bool(self._trust.membership.certificate)
        new = await self._needs.new_key() if has_one else KeyAndRequest("", "")
        answer = await self._ask(Renew(certificate_request=new.request))
        fields: dict[str, object] = {}
        if answer.agent_token:
            former = self._trust.membership.controller_token
            fields |= {"agent_token": answer.agent_token, "controller_token": answer.controller_token}
            fields |= {"former_controller_token": former}
        if answer.certificate:
            fields |= {"certificate": answer.certificate, "key": new.key, "ca": answer.ca}
            fields |= {"renew_at": self._needs.now() + answer.life * RENEW_AT}
        self._trust.change(**fields)
        log.info("this agent has a new certificate%s", " and new tokens" if answer.agent_token else "")

    async def _ask(self, body: Renew) -> Renewed:
        url = URL(self._trust.membership.controller) / _PATH
        try:
            async with self._needs.session.post(
                url, data=msgspec.json.encode(body), timeout=_TIMEOUT, **self._trust.request()
            ) as answer:
                said = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise NotRenewed(f"the controller cannot be reached: {why_of(error)}") from error
        if answer.status != 200:
            raise NotRenewed(f"the controller refused ({answer.status}): {sentence(said)}")
        try:
            return msgspec.json.decode(said, type=Renewed)
        except msgspec.DecodeError as error:
            raise NotRenewed(f"{url.origin()} does not answer like a paas controller: {error}") from error
