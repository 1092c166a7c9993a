"""The stream of stories towards a server that breaks it as it is told."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from paas_client.client import Client, connect
from paas_client.errors import ClientError, Unauthorized, Unreachable
from paas_client.transport import Transport
from tests.client.conftest import Controller


def message(number: int) -> bytes:
    told = (
        f'"kind":"database","name":"db7","host":"","from":"stopped","to":"running","cause":"wish","sentence":"{number}"'
    )
    return f'id: {number}\nevent: change\ndata: {{"id":{number},"at":"2026-11-21T10:00:00Z",{told}}}\n\n'.encode()


@dataclass
class Server:
    """Sends one list of pieces for each connection, then breaks it off; the last one stays open."""

    connections: list[list[bytes]]
    seen: list[str | None] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    status: int = 200

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request.headers.get("Last-Event-ID"))
        self.queries.append(request.query_string)
        if self.status != 200:
            return web.json_response({"error": {"code": "c", "message": "no"}}, status=self.status)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for piece in self.connections.pop(0):
            await response.write(piece)
        if not self.connections:
            await asyncio.Event().wait()
        assert request.transport
        request.transport.close()
        return response


@pytest.fixture
def server() -> Server:
    return Server([])


@pytest.fixture
async def client(server: Server) -> AsyncIterator[Client]:
    """In the place of the one that speaks to the real controller."""

    async def at_once(_: float) -> None:
        await asyncio.sleep(0)

    app = web.Application(handler_args={"shutdown_timeout": 0.1})
    app.router.add_get("/apis/v1alpha1/events", server.handle)
    async with TestServer(app) as listening, aiohttp.ClientSession() as session:
        yield Client(Transport(session, str(listening.make_url("/")), "t0ken", at_once))


async def heard(client: Client, count: int, **arguments: int) -> list[str]:
    sentences: list[str] = []
    async with aclosing(client.stories.follow("database", **arguments)) as events:
        async for event in events:
            sentences.append(event.sentence)
            if len(sentences) == count:
                break
    return sentences


async def test_a_stream_that_broke_goes_on_where_it_broke(server: Server, client: Client) -> None:
    server.connections = [[b"retry: 3000\nid: 6\n\n", message(7), message(8)[:30]], [message(8), b":\n\n", message(9)]]
    assert await heard(client, 3) == ["7", "8", "9"]
    assert server.seen == [None, "7"]
    assert server.queries == ["kind=database"] * 2


async def test_a_stream_that_broke_before_any_event_goes_on_from_its_beginning(server: Server, client: Client) -> None:
    server.connections = [[b"retry: 3000\nid: 6\n\n"], [message(7)]]
    assert await heard(client, 1) == ["7"]
    assert server.seen == [None, "6"]


async def test_whoever_knows_an_event_hears_what_came_after_it(server: Server, client: Client) -> None:
    server.connections = [[message(5)]]
    assert await heard(client, 1, after=4) == ["5"]
    assert server.seen == ["4"]


async def test_a_refusal_ends_it(server: Server, client: Client) -> None:
    server.status = 401
    with pytest.raises(Unauthorized):
        await heard(client, 1)


async def test_a_controller_that_is_not_there_at_first_ends_it(client: Client) -> None:
    async with aiohttp.ClientSession() as session:
        nobody = Client(Transport(session, "http://127.0.0.1:1", "t0ken"))
        with pytest.raises(Unreachable):
            await heard(nobody, 1)


async def test_whoever_listens_is_told_of_a_break(server: Server, client: Client) -> None:
    server.connections = [[message(1)], [message(2)]]
    breaks: list[ClientError] = []
    async with aclosing(client.stories.follow(on_break=breaks.append)) as events:
        assert [(await anext(events)).id for _ in range(2)] == [1, 2]
    assert [type(error) for error in breaks] == [Unreachable]


async def test_what_happens_after_a_cut_before_the_first_event_is_heard_of_a_real_controller(
    controller: Controller, name: str, body: Callable[..., dict[str, Any]]
) -> None:
    asked: list[str | None] = []

    async def cut_once(request: web.Request) -> web.StreamResponse:
        """Brings a request to the controller; of the first answer no more comes back than what stands before events."""
        asked.append(request.headers.get("Last-Event-ID"))
        address = controller.url + request.path_qs
        async with aiohttp.ClientSession() as session, session.get(address, headers=request.headers) as answer:
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await response.prepare(request)
            await response.write(await answer.content.readuntil(b"\n\n"))
            while len(asked) > 1:
                await response.write(await answer.content.readany())
        assert request.transport
        request.transport.close()
        return response

    async def meanwhile(_: float) -> None:
        async with connect(controller.url, controller.token) as real:
            await real.database.create(body(name))

    app = web.Application(handler_args={"shutdown_timeout": 0.1})
    app.router.add_get("/apis/v1alpha1/events", cut_once)
    async with TestServer(app) as proxy, aiohttp.ClientSession() as session:
        client = Client(Transport(session, str(proxy.make_url("/")), controller.token, meanwhile))
        async with asyncio.timeout(10), aclosing(client.stories.follow("database", name)) as events:
            assert (await anext(events)).sentence.startswith("admin created it")
    assert [bool(number) for number in asked] == [False, True]
