"""The typed client towards a server that misbehaves as it is told."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from paas_client.client import Client
from paas_client.errors import (
    ClientError,
    Conflict,
    Invalid,
    NotFound,
    Refused,
    Unauthorized,
    Unavailable,
    Unreachable,
)
from paas_client.instances import Filter
from paas_client.transport import ATTEMPTS, Transport

STATUS = {"name": "db7", "status": {"expect": "running", "realtime": "running"}}
Answer = Callable[[web.Request], web.StreamResponse]


@dataclass
class Server:
    """Gives one answer after the other, the last one for ever; keeps what was asked, and how long was paused."""

    answers: list[Answer] = field(default_factory=list)
    asked: list[web.Request] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer(request)

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def client(server: Server) -> AsyncIterator[Client]:
    """In the place of the one that speaks to the real controller."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    async with TestServer(app) as listening, aiohttp.ClientSession() as session:
        yield Client(Transport(session, str(listening.make_url("/")), "t0ken", server.pause))


@pytest.fixture
def certificate(tmp_path: Path) -> ssl.SSLContext:
    """A certificate of its own making, which nobody trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1), [])
    signed = made.add_extension(address, critical=False).sign(key, hashes.SHA256())
    plain = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "pem").write_bytes(signed.public_bytes(Encoding.PEM) + key.private_bytes(*plain))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "pem")
    return context


def says(document: Any, status: int = 200, **headers: str) -> Answer:
    return lambda _: web.json_response(document, status=status, headers=headers)


def refuses(status: int, **headers: str) -> Answer:
    error = {"code": "c", "message": "a sentence", "details": ["one", "two"], "request_id": "r1"}
    return says({"error": error}, status, **headers)


def hangs_up(request: web.Request) -> web.StreamResponse:
    assert request.transport
    request.transport.abort()
    return web.Response()


@pytest.mark.parametrize(
    ("tls", "said"), [(False, "it speaks no TLS; write http://"), (True, "where it speaks TLS, write https://")]
)
async def test_a_wrong_scheme_is_told(server: Server, certificate: ssl.SSLContext, tls: bool, said: str) -> None:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    listening = TestServer(app)
    await listening.start_server(ssl=certificate if tls else None)
    wrong = str(listening.make_url("/").with_scheme("http" if tls else "https"))
    async with aiohttp.ClientSession() as session:
        with pytest.raises(Unreachable, match=said):
            await Client(Transport(session, wrong, "t", server.pause)).database.status("db7")
    await listening.close()


async def test_the_token_is_shown_and_the_answer_read(server: Server, client: Client) -> None:
    server.answers = [says(STATUS)]
    assert (await client.database.status("db7")).status.realtime == "running"
    assert server.asked[0].headers["Authorization"] == "Bearer t0ken"
    assert server.asked[0].path == "/apis/v1alpha1/database/db7/status"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Invalid), (401, Unauthorized), (403, Unauthorized), (404, NotFound), (409, Conflict), (413, Invalid),
        (422, Invalid), (429, Unavailable), (500, Refused), (503, Unavailable),
    ],
)  # fmt: skip
async def test_a_refusal_carries_the_controllers_words(
    server: Server, client: Client, status: int, kind: type[Refused]
) -> None:
    server.answers = [refuses(status)]
    with pytest.raises(Refused) as caught:
        await client.database.get("db7")
    error = caught.value
    assert type(error) is kind
    assert (error.message, error.details, error.code, error.request_id) == ("a sentence", ["one", "two"], "c", "r1")


async def test_a_call_is_repeated_when_the_controller_said_it_may(server: Server, client: Client) -> None:
    server.answers = [refuses(503, **{"Retry-After": "2"}), refuses(503), says(STATUS)]
    assert (await client.database.expect("db7", "running")).name == "db7"
    assert server.pauses == [2.0, 0.5]


async def test_a_broken_connection_is_tried_again(server: Server, client: Client) -> None:
    server.answers = [hangs_up, says({"name": "db7", "msg": "deleted"})]
    assert (await client.database.delete("db7")).msg == "deleted"


async def test_trying_again_has_an_end(server: Server, client: Client) -> None:
    server.answers = [refuses(503)]
    with pytest.raises(Unavailable):
        await client.hosts.all()
    assert len(server.asked) == ATTEMPTS
    server.answers = [hangs_up]
    with pytest.raises(Unreachable, match="cannot be reached"):
        await client.hosts.all()


async def test_a_controller_that_wants_a_long_pause_is_left_alone(server: Server, client: Client) -> None:
    server.answers = [refuses(503, **{"Retry-After": "60"})]
    with pytest.raises(Unavailable) as caught:
        await client.hosts.all()
    assert caught.value.after == 60
    assert (len(server.asked), server.pauses) == (1, [])


@pytest.mark.parametrize("answer", [hangs_up, refuses(503)])
@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.database.create({"name": "db7"}),
        lambda client: client.database.restart("db7"),
        lambda client: client.database.replace("db7", {"name": "db7"}, apply="restart"),
    ],
)
async def test_a_write_is_repeated_under_the_key_that_makes_it_one(
    server: Server, client: Client, call: Callable[[Client], Awaitable[object]], answer: Answer
) -> None:
    server.answers = [answer, says(STATUS)]
    await call(client)
    await call(client)
    first, again, another = [request.headers["Idempotency-Key"] for request in server.asked]
    assert first == again != another


async def test_what_is_only_read_or_deleted_needs_no_key(server: Server, client: Client) -> None:
    server.answers = [says(STATUS), says({"name": "db7", "msg": "deleted"})]
    await client.database.status("db7")
    await client.database.delete("db7")
    assert not any("Idempotency-Key" in request.headers for request in server.asked)


async def test_what_is_planned_is_asked_for_and_not_done(server: Server, client: Client) -> None:
    server.answers = [says({"dry_run": True, "steps": [{"host": "h:1", "action": "install", "why": ""}]})]
    plan = await client.database.replace("db7", {}, removed="orphan", etag='"17-3"').plan()
    assert [(step.host, step.action) for step in plan.steps] == [("h:1", "install")]
    asked = server.asked[0]
    assert dict(asked.query) == {"dry_run": "true", "removed": "orphan"}
    assert asked.headers["If-Match"] == '"17-3"'


async def test_what_is_not_asked_for_is_not_sent(server: Server, client: Client) -> None:
    server.answers = [says({"items": [], "next": None})]
    assert [item async for item in client.database.all(Filter(label=["a:b", "c:d"], drift=True))] == []
    assert server.asked[0].query_string == "limit=500&label=a:b&label=c:d&drift=true"


async def test_a_redirect_is_not_followed_with_the_token(server: Server, client: Client) -> None:
    server.answers = [lambda _: web.Response(status=302, headers={"Location": "http://elsewhere.invalid/"})]
    with pytest.raises(Refused, match=r"answers 302 Found, and points to http://elsewhere\.invalid/"):
        await client.hosts.all()


async def test_a_certificate_that_is_not_trusted_is_named_as_the_cause(
    server: Server, certificate: ssl.SSLContext
) -> None:
    listening = TestServer(web.Application())
    await listening.start_server(ssl=certificate)
    async with listening, aiohttp.ClientSession() as session:
        client = Client(Transport(session, str(listening.make_url("/")), "t0ken", server.pause))
        with pytest.raises(Unreachable, match="its certificate is not trusted; set PAAS_CA_FILE"):
            await client.hosts.all()


@pytest.mark.parametrize("text", ["<html>", "[]", '{"name": "db7"}', ""])
async def test_an_answer_that_is_none_is_an_error_and_not_a_surprise(server: Server, client: Client, text: str) -> None:
    server.answers = [lambda _: web.Response(text=text)]
    with pytest.raises(ClientError, match="this is no answer of a controller that this client knows"):
        await client.database.status("db7")
    server.answers = [lambda _: web.Response(text=text, status=502)]
    with pytest.raises(Refused, match="answers 502 Bad Gateway; is a controller there"):
        await client.database.status("db7")


async def test_what_a_newer_controller_adds_is_kept(server: Server, client: Client) -> None:
    newer = {"name": "db7", "status": {"expect": "running", "realtime": "dreaming", "since": 3}, "more": [1]}
    server.answers = [says(newer)]
    assert (await client.database.status("db7")).document() == newer
