"""An agent's end of a tunnel, of which the test says what it answers."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import msgspec

from paas_agent import frames
from paas_agent.contract import Accepted, Acknowledged, Order, Report
from paas_agent.frames import Answered, Asked, Conversation
from tests.controller.agents import Agent
from tests.controller.shell import Shell, until

REPORT = "/apis/v1alpha1/agents/report"


_OVER = (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)


def accepts(asked: Asked) -> tuple[int, bytes]:
    """As an agent that takes every order."""
    order = msgspec.json.decode(asked.body or b"{}", type=Order)
    return 202, msgspec.json.encode(Accepted(operation_id=order.operation_id, state="pending"))


@dataclass
class Digger:
    """One tunnel. `asked` is what came down it; nothing is answered while `silent`."""

    agent: Agent
    socket: aiohttp.ClientWebSocketResponse
    asked: list[Asked] = field(default_factory=list)
    answers: Callable[[Asked], tuple[int, bytes]] = accepts
    silent: bool = False

    def __post_init__(self) -> None:
        self._talk = Conversation(self.socket.send_bytes, self._answer)
        self.over = asyncio.create_task(self._listen())
        """Done when the tunnel is closed; the reason that the controller gave."""

    async def _listen(self) -> str:
        while (message := await self.socket.receive()).type not in _OVER:
            if message.type is aiohttp.WSMsgType.BINARY:
                self._talk.heard(message.data)
        self._talk.close()
        return str(message.extra or "")

    async def _answer(self, asked: Asked) -> Answered:
        self.asked.append(asked)
        if self.silent:
            await asyncio.Event().wait()
        status, body = self.answers(asked)
        return Answered(number=asked.number, status=status, body=body)

    async def ask(self, path: str, body: bytes) -> Answered:
        return await self._talk.ask("POST", path, body)

    async def report(self, report: Report | None = None) -> Acknowledged:
        """What is there now, up the tunnel."""
        answer = await self.ask(REPORT, msgspec.json.encode(report or self.agent.says()))
        assert answer.status == 202, answer.body
        return msgspec.json.decode(answer.body, type=Acknowledged)

    async def cut(self) -> None:
        """Nobody says goodbye."""
        self.socket._response.close()
        await asyncio.wait([self.over])


@asynccontextmanager
async def dug(agent: Agent, token: str = "", *, deaf: bool = False) -> AsyncIterator[Digger]:
    """A tunnel of this agent, by its token or another one; a deaf one answers no ping."""
    assert agent.joined
    headers = {"Authorization": f"Bearer {token or agent.joined.agent_token}"}
    url = str(agent.shell.address).rstrip("/") + frames.PATH
    async with aiohttp.ClientSession(headers=headers) as session, session.ws_connect(url, autoping=not deaf) as socket:
        digger = Digger(agent, socket)
        yield digger
        digger.over.cancel()
        await asyncio.gather(digger.over, return_exceptions=True)


async def host(agent: Agent) -> dict[str, object]:
    return dict((await agent.shell.get(f"/hosts/{agent.host}")).body)


async def state(agent: Agent) -> object:
    return (await host(agent))["state"]


async def becomes(agent: Agent, wanted: str) -> None:
    async with asyncio.timeout(5):
        while await state(agent) != wanted:
            await asyncio.sleep(0.01)


async def tunnels(shell: Shell) -> float:
    text = (await shell.get("//metrics")).body.decode()
    return float(next(line.split()[1] for line in text.splitlines() if line.startswith("paas_tunnels ")))


async def ends(digger: Digger) -> str:
    """The reason with which the controller closes it."""
    return await asyncio.wait_for(digger.over, 5)


async def ordered(digger: Digger, shell: Shell, name: str = "db") -> str:
    """The operation of the next order that comes down."""
    before = len(digger.asked)
    await shell.put(f"/database/{name}/running")
    await until(lambda: len(digger.asked) > before, "an order")
    return str(json.loads(digger.asked[before].body)["operation_id"])
