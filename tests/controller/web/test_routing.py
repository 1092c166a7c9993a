"""What every request goes through: who asks before what exists, one shape of errors, never a 500 for input."""

import asyncio
import itertools
import logging
import string
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from paas_controller.base.errors import Retryable
from paas_controller.base.principal import AGENTS, ANYBODY, READERS, WRITERS, Principal
from paas_controller.web.routing import PRINCIPAL, Route, Said, application
from tests.controller.shell import Shell, whole

METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"]
PATHS = [
    "//", "//nothing", "//repo/x", "//metrics", "//openapi.json", "", "/database", "/database/create", "/database/db",
    "/database/db/status", "/database/db/nothing", "/cache/db", "/hosts", "/tokens", "/agents/report", "/operations/x",
    "//api/v1", "//api/v1/tenants", "//api/v1/nothing",
]  # fmt: skip


async def test_nobody_learns_what_exists_before_saying_who_asks(shell: Shell) -> None:
    await shell.create()
    for method, path in itertools.product(METHODS, PATHS):
        for headers in ({}, {"Authorization": "Bearer wrong"}):
            answer = await shell.call(method, path, token="", headers=headers)
            assert answer.status == 401, f"{method} {path}"


async def test_health_is_open_to_all(shell: Shell) -> None:
    for path in ("//healthz", "//readyz"):
        assert (await shell.get(path, token="")).body == {"status": "ok"}


async def test_what_is_not_there_is_a_404_in_the_one_shape(shell: Shell) -> None:
    answer = await shell.get("/nothing")
    assert answer.status == 404
    told = answer.body["error"]
    assert told["code"] == "not-found"
    assert told["details"] == []
    assert told["request_id"] == answer.headers["X-Request-Id"] != ""
    assert "/apis/v1alpha1/nothing" in told["message"]


async def test_a_wrong_method_is_a_405_that_names_the_right_ones(shell: Shell) -> None:
    answer = await shell.post("/database/db/status")
    assert answer.status == 405
    assert answer.body["error"]["code"] == "method-not-allowed"
    assert answer.message == "POST is not known here; GET is"
    assert answer.headers["Allow"] == "GET"


async def test_a_body_over_a_mebibyte_is_a_413(shell: Shell) -> None:
    for path in ("/database/create", "/tokens", "/hosts"):
        answer = await shell.post(path, ["x" * 1024] * 1024)
        assert answer.status == 413
        assert answer.body["error"]["code"] == "too-large"


async def test_a_request_id_is_echoed_and_told_in_errors(shell: Shell) -> None:
    asked = {"X-Request-Id": "6f9619ff-8b86-d011-b42d-00c04fc964ff"}
    assert (await shell.get("/database", headers=asked)).headers["X-Request-Id"] == asked["X-Request-Id"]
    assert (await shell.get("/nothing", headers=asked)).body["error"]["request_id"] == asked["X-Request-Id"]


async def test_a_request_id_that_is_none_is_replaced(shell: Shell) -> None:
    for wrong in ("", "a b", "x" * 65, "käse", '"><script>', "{}"):
        answer = await shell.get("/nothing", headers={"X-Request-Id": wrong})
        assert answer.body["error"]["request_id"] not in ("", wrong)


async def test_each_request_has_an_id_of_its_own(shell: Shell) -> None:
    ids = [(await shell.get("/nothing")).body["error"]["request_id"] for _ in range(3)]
    assert len(set(ids)) == 3


STRANGE = [
    "%00", "%ff", "%2f", "..", "%2e%2e%2f", "%ed%a0%80", "%f0%9f%92%a9", "a%0ab", "'%20or%201=1", "%", "%zz",
    "x" * 5000, "?limit=-1", "?limit=x", "?limit=%ff", "?cursor=%ff", "?detail=maybe", "?limit=99999999999999999999",
]  # fmt: skip


PLACES = [
    "/database{}", "/database/{}", "/database/{}/status", "/database/{}/events", "/operations/{}", "/hosts/{}",
    "/database/status/changed/{}", "/nothing/{}", "//repo/{}",
]  # fmt: skip


async def test_no_path_is_a_500(shell: Shell) -> None:
    for strange, place, method in itertools.product(STRANGE, PLACES, ("GET", "DELETE")):
        line = f"{method} {whole(place.format(strange))} HTTP/1.1"
        status = await _raw(shell, line)
        assert status < 500, f"{line}: {status}"


HEADERS = [
    b"Authorization: Bearer \xff", b"X-Request-Id: \xff", b"If-Match: \xff", b"Content-Encoding: gzip",
    b"Content-Type: application/json; charset=klingon", b"Accept-Encoding: \xff", b"Range: bytes=9-1",
]  # fmt: skip


async def test_no_header_is_a_500(shell: Shell) -> None:
    for header in HEADERS:
        for line in ("GET /apis/v1alpha1/nothing HTTP/1.1", "POST /apis/v1alpha1/database/create HTTP/1.1"):
            assert 400 <= await _raw(shell, line, header, b'{"name": 1}') < 500, header


BODIES = [
    b"", b"null", b"[]", b"7", b"{", b'{"a": NaN}', b"\xff\xfe", b'{"name": "\\ud800"}', b"[" * 200_000,
    b'{"name": ' + b"9" * 5000 + b"}", b'{"name": "db", "name": "db"}',
]  # fmt: skip


async def test_no_body_is_a_500(shell: Shell) -> None:
    for body, path in itertools.product(BODIES, ("/database/create", "/tokens", "/hosts")):
        assert (await shell.post(path, body)).status == 400, f"{path}: {body[:40]!r}"


async def _raw(shell: Shell, line: str, header: bytes = b"X: y", body: bytes = b"") -> int:
    """The status of a request as no client of ours would write it."""
    reader, writer = await asyncio.open_connection(shell.address.host, shell.address.port)
    authorization = b"" if header.startswith(b"Authorization") else f"Authorization: Bearer {shell.token}\r\n".encode()
    head = f"{line}\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n".encode()
    writer.write(head + authorization + header + b"\r\n\r\n" + body)
    status = int((await reader.readline()).split()[1])
    writer.close()
    await writer.wait_closed()
    return status


@pytest.fixture
async def failing() -> AsyncIterator[str]:
    """The address of an application whose handlers fail."""

    async def fail(_: web.Request) -> web.Response:
        raise RuntimeError("a secret of the inside")

    async def later(_: web.Request) -> web.Response:
        raise Retryable("not now", after=7)

    said = Said("Fails.", {})
    routes = [Route("GET", "/fail", fail, ANYBODY, said), Route("GET", "/later", later, ANYBODY, said)]
    server = TestServer(application(routes, lambda _: Principal("somebody", "viewer")))
    await server.start_server(access_log=None)
    yield str(server.make_url("")).rstrip("/")
    await server.close()


async def test_what_nobody_expected_is_a_500_that_says_nothing_and_a_log_that_says_all(
    failing: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{failing}/fail") as answer:
        told = await answer.text()
        identifier = answer.headers["X-Request-Id"]
    assert answer.status == 500
    assert "Traceback" not in told
    assert "secret" not in told
    assert identifier in told
    assert "RuntimeError" not in told
    records = [record for record in caplog.records if record.exc_info]
    assert [record.levelno for record in records] == [logging.ERROR]
    assert "a secret of the inside" in str(records[0].exc_info)


async def test_not_now_says_when(failing: str) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{failing}/later") as answer:
        assert answer.status == 503
        assert answer.headers["Retry-After"] == "7"
        assert (await answer.json())["error"]["message"] == "not now"


@pytest.mark.parametrize(
    ("method", "changes", "keyed"),
    [("GET", False, False), ("POST", True, True), ("PUT", True, True), ("PATCH", True, True), ("DELETE", True, False)],
)
def test_a_change_is_known_by_its_method(method: str, changes: bool, keyed: bool) -> None:
    async def nothing(_: web.Request) -> web.Response:
        return web.Response()

    of_people, of_agents = (Route(method, "/", nothing, roles, Said("Nothing.", {})) for roles in (ANYBODY, AGENTS))
    assert (of_people.changes, of_people.keyed) == (changes, keyed)
    assert (of_agents.changes, of_agents.keyed) == (False, False)


async def test_a_tenants_token_is_let_in_where_a_route_says_so_within_its_role() -> None:
    async def greet(request: web.Request) -> web.Response:
        return web.Response(text=request[PRINCIPAL].tenant)

    said = Said("Greets.", {})
    routes = [
        Route("GET", "/theirs", greet, READERS, said, tenants=True),
        Route("PUT", "/theirs", greet, WRITERS, said, tenants=True), Route("GET", "/ours", greet, ANYBODY, said),
    ]  # fmt: skip
    server = TestServer(application(routes, lambda _: Principal("ci", "viewer", tenant="shop")))
    async with server, aiohttp.ClientSession(server.make_url("")) as session:
        assert await (await session.get("/theirs")).text() == "shop"
        refused = (await session.put("/theirs"), await session.get("/ours"), await session.get("/nothing"))
        assert [answer.status for answer in refused] == [403, 403, 404]
        assert "a token of role viewer may not do this" in await refused[0].text()
        assert "ci has a token of the tenant shop" in await refused[1].text()


REFUSALS = [
    ("GET", "/nothing?token=kept-secret", "admin", "404 not-found: there is nothing at /apis/v1alpha1/nothing"),
    ("GET", "/database/x%0Ay", "admin", "404 not-found: "), ("GET", "/database", "", "401 unauthorized: "),
    ("POST", "/tokens", "viewer", "403 forbidden: "), ("POST", "/database/create", "admin", "400 invalid: "),
    ("PUT", "/database/db/restart", "admin", "409 conflict: "),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "who", "sentence"), REFUSALS)
async def test_a_refusal_is_logged_once_with_its_sentence(
    shell: Shell, caplog: pytest.LogCaptureFixture, method: str, path: str, who: str, sentence: str
) -> None:
    await shell.create()
    token = {"admin": shell.token, "": "", "viewer": await shell.token_of("viewer")}[who]
    caplog.clear()
    with caplog.at_level(logging.INFO):
        await shell.call(method, path, token=token)
    told = [record for record in caplog.records if record.name.startswith("paas_controller.web")]
    assert [record.levelname for record in told] == ["INFO"]
    line = told[0].getMessage()
    assert line.startswith(f"{method} /apis/v1alpha1{path.partition('?')[0]} {sentence}")
    assert "kept-secret" not in line


async def test_a_refusal_for_now_is_a_warning(failing: str, caplog: pytest.LogCaptureFixture) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{failing}/later"):
        pass
    told = [(record.levelname, record.getMessage()) for record in caplog.records if "routing" in record.name]
    assert told == [("WARNING", "GET /later 503 unavailable: not now")]


async def test_writes_are_logged_with_who_wrote(shell: Shell, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        await shell.create()
        await shell.get("/database/db")
    told = [record.getMessage() for record in caplog.records if record.name.endswith("routing")]
    assert told == ["POST /apis/v1alpha1/database/create 201 by admin"]
    assert not any(letter not in string.printable for letter in told[0])
