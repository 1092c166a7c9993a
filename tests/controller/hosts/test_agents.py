"""What agents answer, in our words."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import aiohttp
import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from paas_agent.contract import Order
from paas_controller.base.errors import Conflict, NotFound, PaasError, Refused, Retryable
from paas_controller.hosts.agents import Agents, JournalReplaced
from paas_controller.hosts.ways import Reach
from tests.testbeds.ports import free_port

ORDER = Order(
    name="db", type="database", repo_url="http://r/", install="i", start="s", stop="p", check="c", uninstall="u",
    operation_id="op",
)  # fmt: skip


@dataclass
class Bench:
    """The adapter, and a server that answers whatever is asked of it as the test says."""

    agents: Agents
    url: str
    answer: Callable[[web.Request], Awaitable[web.StreamResponse]]

    @property
    def reach(self) -> Reach:
        return Reach(self.url.removeprefix("http://"), self.url, "token")

    async def order(self) -> str:
        return (await self.agents.order(self.reach, "start", ORDER)).state

    def answers(self, status: int, text: str = "") -> None:
        async def answer(_: web.Request) -> web.Response:
            return web.Response(status=status, text=text)

        self.answer = answer


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with aiohttp.ClientSession() as session:
        bench = Bench(Agents(session, lambda _: None), "", lambda _: asyncio.sleep(0, web.Response()))

        async def answer(request: web.Request) -> web.StreamResponse:
            return await bench.answer(request)

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", answer)
        server = TestServer(app)
        await server.start_server(access_log=None)
        bench.url = str(server.make_url("")).rstrip("/")
        yield bench
        await server.close()


async def test_an_accepted_order_is_answered_with_its_state(bench: Bench) -> None:
    bench.answers(202, '{"operation_id": "op", "state": "running"}')
    assert await bench.order() == "running"


TRANSLATIONS: list[tuple[int, type[PaasError]]] = [
    (400, Refused), (404, NotFound), (413, Refused), (422, Refused), (409, Conflict), (412, JournalReplaced),
    (401, Retryable), (403, Retryable), (429, Retryable), (500, Retryable), (502, Retryable), (503, Retryable),
    (302, Retryable), (204, Retryable),
]  # fmt: skip


@pytest.mark.parametrize(("status", "error"), TRANSLATIONS)
async def test_a_refusal_becomes_one_of_ours_with_the_agents_own_sentence(
    bench: Bench, status: int, error: type[PaasError]
) -> None:
    bench.answers(status, "" if status == 204 else '{"error": {"message": "it says so"}}')
    with pytest.raises(error, match="204" if status == 204 else "it says so"):
        await bench.order()


async def test_an_agent_that_does_not_know_our_token_is_no_fault_of_whoever_asks(bench: Bench) -> None:
    bench.answers(401)
    with pytest.raises(Retryable, match="paas-agent join") as raised:
        await bench.agents.log(bench.reach, "op", 0)
    assert raised.value.status == 503


@pytest.mark.parametrize("text", ["", "<html>", "[]", '"no"', '{"error": 1}', '{"error": {"message": null}}'])
async def test_a_refusal_without_a_sentence_is_told_by_its_status(bench: Bench, text: str) -> None:
    bench.answers(500, text)
    with pytest.raises(Retryable):
        await bench.order()


@pytest.mark.parametrize("text", ["", "<html>", "[]", "{}", '{"operation_id": "op", "state": "resting"}'])
async def test_an_answer_that_is_none_is_asked_for_again(bench: Bench, text: str) -> None:
    bench.answers(202, text)
    with pytest.raises(Retryable, match="no agent's answer"):
        await bench.order()


async def test_nobody_there_may_be_tried_again(bench: Bench) -> None:
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(Retryable, match=f"{address} was not reached"):
        await bench.agents.order(Reach(address, f"http://{address}", "token"), "start", ORDER)


async def test_an_agent_that_does_not_answer_in_time_may_be_tried_again(bench: Bench) -> None:
    released = asyncio.Event()

    async def hang(_: web.Request) -> web.Response:
        await released.wait()
        return web.Response()

    bench.answer = hang
    impatient = msgspec.structs.replace(
        ORDER, check_timeout=-59.95
    )  # it is waited for a minute longer than for the check
    with pytest.raises(Retryable, match="was not reached"):
        await bench.agents.check(bench.reach, impatient)
    released.set()


async def test_an_answer_that_breaks_off_may_be_tried_again(bench: Bench) -> None:
    async def break_off(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=202, headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"{")
        assert request.transport
        request.transport.close()
        return response

    bench.answer = break_off
    with pytest.raises(Retryable, match="was not reached"):
        await bench.order()


async def test_a_redirect_is_not_followed_so_that_the_token_stays_between_the_two(bench: Bench) -> None:
    asked = []

    async def lead_away(request: web.Request) -> web.Response:
        asked.append(request.path)
        raise web.HTTPFound("/elsewhere")

    bench.answer = lead_away
    with pytest.raises(Retryable):
        await bench.order()
    assert asked == ["/start"]


async def test_the_token_and_the_order_are_what_is_sent(bench: Bench) -> None:
    sent: list[tuple[str, str, bytes]] = []

    async def note(request: web.Request) -> web.Response:
        sent.append((request.method, request.headers["Authorization"], await request.read()))
        return web.Response(status=202, text='{"operation_id": "op", "state": "sent"}')

    bench.answer = note
    await bench.order()
    assert [(method, token) for method, token, _ in sent] == [("POST", "Bearer token")]
    assert b'"operation_id":"op"' in sent[0][2]
