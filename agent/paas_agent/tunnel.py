"""The tunnel: a websocket that the agent keeps to a controller that wants one, because it cannot call this host.

Down it come the requests that otherwise come over HTTP, up it go the reports. It resumes by what both sides acknowledge
anyway: an order is asked for again until its id was answered, a report until its number was.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import aiohttp
import msgspec
from yarl import URL

from paas_agent import frames
from paas_agent.api import Api, Request, refusal
from paas_agent.download import why_of
from paas_agent.errors import Refused
from paas_agent.frames import Answered, Asked, Conversation, TunnelClosed

log = logging.getLogger(__name__)

_CONNECT = 15.0
_GOODBYE = aiohttp.ClientWSTimeout(ws_close=1.0)
_FIRST, _LONGEST = 5.0, 30.0
_LASTED = 60.0
"""Seconds after which a tunnel counts as one that held: the next one is tried for soon."""


def pause(attempt: int, chance: float) -> float:
    """Seconds before this attempt, counted from 0, for a chance from 0 to 1. Full jitter: however many agents lose
    their tunnels at one moment, they come back spread, and none later than half a minute after it is possible.
    """
    return chance * min(_LONGEST, _FIRST * 2.0 ** min(attempt, 10))


@dataclass(frozen=True)
class Ends:
    """What the tunnel is between. `controller` gives its address; `opened` is told of each new one."""

    session: aiohttp.ClientSession
    controller: Callable[[], str]
    api: Api
    opened: Callable[[], None]
    random: Random
    ping: float = frames.PING_EVERY


class Tunnel:
    """At most one at a time, kept for as long as it is wanted."""

    def __init__(self, ends: Ends) -> None:
        self._ends = ends
        self._wanted = asyncio.Event()
        self._conversation: Conversation | None = None
        self._held: asyncio.Timeout | None = None
        self._ended = self._told = ""

    def want(self, wanted: bool) -> None:
        """Whether the controller wants one."""
        if wanted:
            self._wanted.set()
        elif self._wanted.is_set():
            self._wanted.clear()
            self.renew()

    def renew(self) -> None:
        """Ends this one, so that the next one shows what the agent is known by now."""
        self._end("")

    def _end(self, why: str) -> None:
        held, self._held = self._held, None
        if held is not None:
            self._ended = why
            held.reschedule(asyncio.get_running_loop().time())

    async def ask(self, method: str, path: str, body: bytes, seconds: float) -> Answered | None:
        """The controller's answer; None where there is no tunnel, or none any more. A silent one is given up."""
        conversation = self._conversation
        if conversation is None:
            return None
        try:
            async with asyncio.timeout(seconds):
                return await conversation.ask(method, path, body)
        except TunnelClosed:
            return None
        except TimeoutError:
            if conversation is self._conversation:
                self._end("was silent")
            return None

    async def run(self) -> None:
        """Keeps it, for ever."""
        attempt, time = 0, asyncio.get_running_loop().time
        while True:
            await self._wanted.wait()
            began = time()
            trouble = await self._keep()
            if not trouble:
                attempt = 0
                continue
            if trouble != self._told:
                log.warning("the tunnel %s; it is opened again as soon as that is possible", trouble)
            self._told = trouble
            attempt = 0 if time() - began > _LASTED else attempt + 1
            await asyncio.sleep(pause(attempt, self._ends.random.random()))

    async def _keep(self) -> str:
        """One tunnel from its beginning to its end. Why it ended; empty where this side wanted that."""
        self._ended = "cannot be opened: no answer in time"
        url = self._ends.controller().rstrip("/") + frames.PATH
        try:
            async with asyncio.timeout(_CONNECT) as held:
                self._held = held
                connecting = self._ends.session.ws_connect(
                    url, heartbeat=self._ends.ping, max_msg_size=frames.LARGEST, timeout=_GOODBYE,
                    **self._ends.api.trust.connection(),
                )  # fmt: skip
                async with connecting as socket:
                    if self._held is not held:
                        return self._ended
                    held.reschedule(None)
                    return await self._converse(socket)
        except aiohttp.WSServerHandshakeError as error:
            return f"is refused by the controller ({error.status})"
        except TimeoutError:
            return self._ended
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return f"cannot be opened: {why_of(error)}"
        finally:
            self._held = None

    async def _converse(self, socket: aiohttp.ClientWebSocketResponse) -> str:
        self._conversation = conversation = Conversation(socket.send_bytes, self._answer)
        self._told = ""
        log.info("keeps a tunnel to the controller")
        self._ends.opened()
        try:
            while (message := await socket.receive()).type is aiohttp.WSMsgType.BINARY:
                conversation.heard(message.data)
        except msgspec.DecodeError as error:
            return f"brought what cannot be read ({error})"
        finally:
            self._conversation = None
            conversation.close()
        told = message.data if message.type is aiohttp.WSMsgType.ERROR else message.extra
        return f"broke: {told or 'the controller hung up'}"

    async def _answer(self, asked: Asked) -> Answered:
        api = self._ends.api
        if api.trust.accepts(asked.token):
            answer = await api.answer(Request(asked.method, URL(asked.path, encoded=True), asked.body))
        else:
            answer = refusal(Refused(401, "unauthorized", "what came down the tunnel has not this host's token"))
        return Answered(number=asked.number, status=answer.status, body=answer.body)
