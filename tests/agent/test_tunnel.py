"""The tunnel that an agent keeps: what it answers down it, what it sends up it, and how it comes back."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from random import Random
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from paas_agent import frames
from paas_agent.api import Answer, Request
from paas_agent.frames import Answered, Asked, Conversation, TunnelClosed
from paas_agent.tunnel import Ends, Tunnel, pause
from tests.agent.harness import served, until

AGENTS = 5000


class NoJitter(Random):
    """Every pause is as short as can be."""

    def random(self) -> float:
        return 0.0


@dataclass
class Desk:
    """A controller's door. What comes up is kept in `came`; it is not answered while `silent`."""

    sockets: list[web.WebSocketResponse] = field(default_factory=list)
    talks: list[Conversation] = field(default_factory=list)
    came: list[Asked] = field(default_factory=list)
    refuses: int = 0
    refused: int = 0
    silent: bool = False
    deaf: bool = False
    """Answers no ping."""

    async def door(self, request: web.Request) -> web.StreamResponse:
        assert request.headers["Authorization"] == "Bearer agent-speaks"
        if self.refuses:
            self.refused += 1
            return web.Response(status=self.refuses)
        socket = web.WebSocketResponse(timeout=0.1, autoping=not self.deaf)
        await socket.prepare(request)
        talk = Conversation(socket.send_bytes, self._answer)
        self.sockets.append(socket)
        self.talks.append(talk)
        async for message in socket:
            if message.type is aiohttp.WSMsgType.BINARY:
                talk.heard(message.data)
        talk.close()
        return socket

    async def _answer(self, asked: Asked) -> Answered:
        self.came.append(asked)
        if self.silent:
            await asyncio.Event().wait()
        return Answered(number=asked.number, status=202, body=b"taken")

    async def opened(self, count: int) -> Conversation:
        """The tunnel of this number, once it is there."""
        await until(lambda: len(self.talks) >= count, 5)
        return self.talks[count - 1]


@dataclass
class Kept:
    """A tunnel between a desk and an agent that answers each request as the test says."""

    tunnel: Tunnel
    desk: Desk
    opened: list[int] = field(default_factory=list)
    asked: list[Request] = field(default_factory=list)
    answer: Callable[[Request], Any] = lambda _: Answer(200, b"{}")


@pytest.fixture
async def kept(request: pytest.FixtureRequest) -> AsyncIterator[Kept]:
    desk, ping = Desk(), getattr(request, "param", frames.PING_EVERY)
    async with served(web.get(frames.PATH, desk.door)) as url, aiohttp.ClientSession() as session:

        async def answer(request: Request) -> Answer:
            made.asked.append(request)
            said = made.answer(request)
            return await said if asyncio.iscoroutine(said) else said

        headers = {"Authorization": "Bearer agent-speaks"}
        trust = SimpleNamespace(accepts=lambda token: token == "good", connection=lambda: {"headers": headers})
        api: Any = SimpleNamespace(trust=trust, answer=answer)
        made = Kept(Tunnel(Ends(session, lambda: url, api, lambda: made.opened.append(1), NoJitter(), ping)), desk)
        running = asyncio.create_task(made.tunnel.run())
        yield made
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_there_is_none_before_it_is_wanted(kept: Kept) -> None:
    assert await kept.tunnel.ask("POST", "/report", b"", 1) is None
    assert not kept.desk.sockets


async def test_what_comes_down_is_answered_and_each_answer_finds_its_question(kept: Kept) -> None:
    kept.tunnel.want(True)
    talk = await kept.desk.opened(1)
    kept.answer = lambda request: Answer(202, request.url.path.encode() + request.body)
    asked = (talk.ask("POST", f"/operations/{number}?offset=3", b"!", "good") for number in range(100))
    assert [said.body for said in await asyncio.gather(*asked)] == [f"/operations/{n}!".encode() for n in range(100)]
    assert kept.asked[0].url.query["offset"] == "3"


async def test_a_slow_answer_holds_up_no_other(kept: Kept) -> None:
    kept.tunnel.want(True)
    talk = await kept.desk.opened(1)
    goes_on = asyncio.Event()

    async def slow() -> Answer:
        await goes_on.wait()
        return Answer(200, b"slow")

    kept.answer = lambda request: slow() if request.method == "POST" else Answer(200, b"quick")
    waiting = asyncio.create_task(talk.ask("POST", "/check", token="good"))
    assert (await talk.ask("GET", "/ping", token="good")).body == b"quick"
    goes_on.set()
    assert (await waiting).body == b"slow"


async def test_what_has_not_this_hosts_token_is_refused_unheard(kept: Kept) -> None:
    kept.tunnel.want(True)
    talk = await kept.desk.opened(1)
    refused = await talk.ask("POST", "/install", b"{}", "wrong")
    assert refused.status == 401
    assert b"this host's token" in refused.body
    assert not kept.asked


async def test_what_goes_wrong_unexpectedly_is_an_answer_as_well(kept: Kept, caplog: pytest.LogCaptureFixture) -> None:
    def fails(_: Request) -> Answer:
        raise RuntimeError("a bug")

    kept.tunnel.want(True)
    talk = await kept.desk.opened(1)
    kept.answer = fails
    assert (await talk.ask("GET", "/ping", token="good")).status == 500
    assert "GET /ping failed" in caplog.text


async def test_a_report_goes_up_and_is_answered(kept: Kept) -> None:
    kept.tunnel.want(True)
    await kept.desk.opened(1)
    answer = await kept.tunnel.ask("POST", "/report", b"all is well", 5)
    assert answer
    assert (answer.status, answer.body) == (202, b"taken")
    assert kept.desk.came[0].body == b"all is well"


async def test_a_broken_tunnel_is_opened_again_and_its_opening_told(
    kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    kept.tunnel.want(True)
    await kept.desk.opened(1)
    await kept.desk.sockets[0].close(message=b"for a reason")
    await kept.desk.opened(2)
    assert len(kept.opened) == 2
    assert caplog.text.count("keeps a tunnel to the controller") == 2
    assert caplog.text.count("the tunnel broke: for a reason") == 1


async def test_whoever_waits_for_an_answer_hears_that_the_tunnel_broke(kept: Kept) -> None:
    kept.tunnel.want(True)
    talk = await kept.desk.opened(1)
    kept.answer = lambda _: asyncio.Event().wait()
    waiting = asyncio.create_task(talk.ask("POST", "/install", token="good"))
    await until(lambda: kept.asked)
    kept.tunnel.renew()
    with pytest.raises(TunnelClosed):
        await waiting
    kept.desk.silent = True
    await kept.desk.opened(2)
    report = asyncio.create_task(kept.tunnel.ask("POST", "/report", b"", 30))
    await until(lambda: kept.desk.came)
    await kept.desk.sockets[1].close()
    assert await report is None


async def test_a_tunnel_that_is_silent_is_given_up_for_another(kept: Kept) -> None:
    kept.tunnel.want(True)
    await kept.desk.opened(1)
    kept.desk.silent = True
    assert await kept.tunnel.ask("POST", "/report", b"", 0.05) is None
    await kept.desk.opened(2)


@pytest.mark.parametrize("kept", [0.1], indirect=True)
async def test_a_controller_that_answers_no_ping_is_given_up(kept: Kept, caplog: pytest.LogCaptureFixture) -> None:
    kept.desk.deaf = True
    kept.tunnel.want(True)
    await kept.desk.opened(2)
    assert "No PONG received" in caplog.text


async def test_one_that_is_no_longer_wanted_is_closed_and_stays_so(kept: Kept) -> None:
    kept.tunnel.want(True)
    await kept.desk.opened(1)
    kept.tunnel.want(False)
    await until(lambda: kept.desk.sockets[0].closed)
    kept.tunnel.want(False)
    assert await kept.tunnel.ask("POST", "/report", b"", 1) is None
    assert len(kept.desk.sockets) == 1
    kept.tunnel.want(True)
    await kept.desk.opened(2)


async def test_a_refusal_is_told_once_and_tried_again(kept: Kept, caplog: pytest.LogCaptureFixture) -> None:
    kept.desk.refuses = 409
    kept.tunnel.want(True)
    await until(lambda: kept.desk.refused > 3)
    assert caplog.text.count("the tunnel is refused by the controller (409)") == 1
    kept.desk.refuses = 0
    await kept.desk.opened(1)


async def test_what_cannot_be_read_ends_the_tunnel(kept: Kept, caplog: pytest.LogCaptureFixture) -> None:
    kept.tunnel.want(True)
    await kept.desk.opened(1)
    await kept.desk.sockets[0].send_bytes(b"\xc1")
    await kept.desk.opened(2)
    assert "brought what cannot be read" in caplog.text


def come_back(down: float, seed: int) -> list[float]:
    """When each of many agents is back, in seconds since their controller is; all tunnels broke as it went down."""
    dice, back = Random(seed), []
    for _ in range(AGENTS):
        now, attempt = 0.0, 0
        while True:
            now += pause(attempt, dice.random())
            if now >= down:
                break
            attempt += 1
        back.append(now - down)
    return back


@pytest.mark.parametrize("down", [0.0, 1.0, 3.0, 10.0, 30.0, 600.0])
def test_five_thousand_agents_are_back_in_half_a_minute_and_never_a_third_of_them_in_one_second(down: float) -> None:
    back = come_back(down, seed=1)
    assert max(back) <= 30
    assert max(Counter(int(moment) for moment in back).values()) < AGENTS / 3


def test_a_pause_is_at_most_half_a_minute_whatever_came_before() -> None:
    assert [pause(attempt, 1.0) for attempt in (0, 1, 2, 3, 1000)] == [5, 10, 20, 30, 30]
    assert pause(7, 0.0) == 0
