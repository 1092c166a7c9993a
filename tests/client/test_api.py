"""The client and the API's document: whatever the one can, the other can ask for, in the same words."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, get_args

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from paas_client.apps import Apps, Wish
from paas_client.client import Client
from paas_client.errors import ClientError
from paas_client.instances import Filter, Instances
from paas_client.transport import API, API1, Transport
from tests.client.conftest import Controller

FOR_AGENTS = {*(("POST", f"/agents/{word}") for word in ("join", "renew", "report")), ("PUT", "/{}/{}/check")}
FOR_AGENTS |= {("GET", "/agents/tunnel"), ("GET", "/agents/packages/{}")}


async def first(items: AsyncIterator[Any]) -> None:
    await anext(items)


def of_kind(of: Callable[[Client], Instances]) -> list[Callable[[Client], Awaitable[Any]]]:
    """All that can be asked of a kind, with all that can be said."""
    wanted = Filter("running", "failed", ["a:b", "c:d"], "h:1", drift=True)
    return [
        lambda client: of(client).create({}),
        lambda client: of(client).create({}).plan(),
        lambda client: of(client).replace("n", {}, apply="restart", removed="orphan", etag='"1"').plan(),
        lambda client: first(of(client).all(wanted)),
        lambda client: of(client).get("n"),
        lambda client: of(client).status("n"),
        *(lambda client, e=e: of(client).expect("n", e).plan() for e in ("running", "stopped", "not-installed")),  # type: ignore[misc]
        lambda client: of(client).restart("n", etag='"1"').plan(),
        lambda client: of(client).hold("n").plan(),
        lambda client: of(client).release("n").plan(),
        lambda client: of(client).delete("n", uninstall=True, orphan=True).plan(),
        lambda client: of(client).changes("0628", cause="check"),
        lambda client: of(client).events("n", limit=1, cursor="2"),
        lambda client: of(client).operations("n", limit=1, cursor="2"),
    ]


def of_apps(of: Callable[[Client], Apps]) -> list[Callable[[Client], Awaitable[Any]]]:
    """All that can be asked of apps of one kind."""
    return [
        lambda client: of(client).create("a", 1, max_ports=0, plan="free", tenant="t", cluster="c").plan(),
        lambda client: of(client).all(),
        lambda client: of(client).get("a"),
        lambda client: of(client).usage("a"),
        lambda client: of(client).change("a", memory_units=2).plan(),
        lambda client: of(client).delete("a").plan(),
        lambda client: of(client).instances("a").create({}, strict=True).plan(),
        lambda client: of(client).instances("a").all(),
        lambda client: of(client).instances("a").get("n"),
        lambda client: of(client).instances("a").delete("n").plan(),
        *(lambda client, w=w: of(client).instances("a").wish("n", w).plan() for w in get_args(Wish)),  # type: ignore[misc]
        lambda client: of(client).instances("a").pods("n"),
        lambda client: of(client).instances("a").events("n"),
        lambda client: of(client).instances("a").log("n", component="c", pod="p", container="d", tail=5),
        lambda client: first(of(client).instances("a").follow("n", component="c", pod="p", container="d")),
    ]


EVERYTHING: list[Callable[[Client], Awaitable[Any]]] = [
    *of_kind(lambda client: client.database),
    *of_kind(lambda client: client.middleware),
    *of_apps(lambda client: client.apps),
    *of_apps(lambda client: client.caas_apps),
    *(lambda client, w=w: client.apps.instances("a").wish("n", w, "c").plan() for w in get_args(Wish)),  # type: ignore[misc]
    lambda client: client.operations.get("o"),
    lambda client: client.operations.log("o", 1, attempts=1),
    lambda client: client.operations.cancel("o").plan(),
    lambda client: client.hosts.all(),
    lambda client: client.hosts.get("h:1"),
    lambda client: client.hosts.add("h", 1, 22, [{"username": "root", "password": "one"}]).plan(),
    lambda client: client.hosts.edit("h:1", {"ssh_port": 22}).plan(),
    lambda client: client.hosts.bootstrap("h:1", f"SHA256:{'a' * 43}").plan(),
    lambda client: client.hosts.drain("h:1", enabled=False).plan(),
    lambda client: client.hosts.upgrade("h:1").plan(),
    lambda client: client.hosts.upgrade_all(2).plan(),
    lambda client: client.hosts.rotate("h:1").plan(),
    lambda client: client.hosts.delete("h:1").plan(),
    lambda client: client.hosts.new_join_token().plan(),
    lambda client: client.tokens.all(),
    lambda client: client.tokens.create("n", "viewer").plan(),
    lambda client: client.tokens.delete("n").plan(),
    lambda client: client.tokens.create("n", "viewer", "t").plan(),
    lambda client: client.tenants.all(),
    lambda client: client.tenants.create("t").plan(),
    lambda client: client.tenants.delete("t").plan(),
    lambda client: client.ports.all(),
    lambda client: client.ports.get("p"),
    lambda client: client.ports.free("p"),
    lambda client: client.ports.create("p", "c", 1, 2, way="host-port", hosts=[{"address": "h"}]).plan(),
    lambda client: client.ports.delete("p").plan(),
    lambda client: client.ports.reserve("p", "app.shop", 60, ports=[1], host="h").plan(),
    lambda client: client.ports.release("p", "app.shop").plan(),
    lambda client: first(client.audit.all(who="n", since="2026-06-28T00:00:00Z", until="2026-06-28T00:00:00Z")),
    lambda client: first(client.stories.follow("database", "n", after=1)),
    lambda client: first(client.app_stories.follow("app", "a/n", after=1)),
]


@pytest.fixture
async def document(controller: Controller) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {controller.token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"{controller.url}/openapi.json") as answer,
    ):
        found = await answer.json()
        assert isinstance(found, dict)
        return found


@pytest.fixture
async def asked() -> list[web.BaseRequest]:
    """Every request of everything that can be asked of the client."""
    requests: list[web.BaseRequest] = []

    async def refuse(request: web.BaseRequest) -> web.StreamResponse:
        requests.append(request)
        return web.json_response({}, status=418)

    async with RawTestServer(refuse) as server, aiohttp.ClientSession() as session:
        client = Client(Transport(session, str(server.make_url("/")), "t"))
        for ask in EVERYTHING:
            with pytest.raises(ClientError):
                await ask(client)
    return requests


def documented(document: dict[str, Any]) -> dict[tuple[str, str], set[str]]:
    """Method and path, with {} for what varies, of each operation; and the names of its parameters."""
    found: dict[tuple[str, str], set[str]] = {}
    for path, item in document["paths"].items():
        if path.startswith((API, API1)):
            short = "/" + re.sub(r"\{\w+\}", "{}", path.removeprefix(API))
            for method, operation in item.items():
                named = {parameter["name"] for parameter in operation.get("parameters", ())}
                found[method.upper(), short] = named
    return found


def route(request: web.BaseRequest, routes: dict[tuple[str, str], set[str]]) -> tuple[str, str]:
    path = "/" + request.path.removeprefix(API)
    fitting = [
        (method, known)
        for method, known in routes
        if method == request.method and re.fullmatch(known.replace("{}", "[^/]+"), path)
    ]
    assert fitting, f"{request.method} {path} is not in the document"
    return min(fitting, key=lambda found: found[1].count("{}"))


async def test_whatever_the_api_can_the_client_can_ask_for(
    document: dict[str, Any], asked: list[web.BaseRequest]
) -> None:
    routes = documented(document)
    never = set(routes) - {route(request, routes) for request in asked}
    kinds = {(method, re.sub("^/(database|middleware)/", "/{}/", path)) for method, path in never}
    assert kinds == FOR_AGENTS


async def test_the_client_asks_in_words_that_the_api_knows(
    document: dict[str, Any], asked: list[web.BaseRequest]
) -> None:
    routes = documented(document)
    for request in asked:
        known = routes[route(request, routes)]
        sent = set(request.query) | ({"Idempotency-Key", "If-Match", "Last-Event-ID"} & set(request.headers))
        assert sent <= known, f"{request.method} {request.path}: {sent - known}"
