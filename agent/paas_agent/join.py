"""Enrolment: how an agent comes to know its controller. One that runs does without this."""

import hashlib
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import time

import aiohttp
import msgspec
from yarl import URL

from paas_agent import __version__
from paas_agent.contract import CONTROLLER_NAME, Join, Joined
from paas_agent.download import why_of
from paas_agent.errors import sentence
from paas_agent.keys import KeyAndRequest, new_key
from paas_agent.membership import JoinFailed, Membership, keep, load
from paas_agent.settings import DEFAULT_LISTEN, LOOPBACK_LISTEN, BadSetting, Settings, address, features, is_loopback
from paas_agent.tls import client_tls

JSON = {"Content-Type": "application/json"}
_PATH = "apis/v1alpha1/agents/join"
_TIMEOUT = aiohttp.ClientTimeout(total=30)


async def join(settings: Settings, now: Callable[[], float] = time) -> Membership:
    """Enrol this host and keep what came of it in agent.json. Raises JoinFailed and BadSetting."""
    controller, tls = _controller(settings), client_tls(settings)
    if not settings.join_token:
        raise BadSetting("--join-token (or PAAS_AGENT_JOIN_TOKEN) is needed; the controller's administrator gives it")
    listen = settings.listen or (LOOPBACK_LISTEN if settings.tunnel else DEFAULT_LISTEN)
    host, port = _advertised(settings, listen, controller)
    server = Server(controller, tls)
    ca = ""
    if "." in settings.join_token:
        ca = await _known_by(server, settings.join_token.partition(".")[2])
        server = Server(controller, ssl.create_default_context(cadata=ca), CONTROLLER_NAME)
    new = new_key() if _wants_certificate(settings, controller, listen) else KeyAndRequest("", "")
    request = Join(
        join_token=settings.join_token, address=host, port=str(port), version=__version__,
        features=features(tls=bool(new.key or settings.tls_certificate)), certificate_request=new.request,
        tunnel=settings.tunnel, former=_former(settings.work_dir, str(controller)),
    )  # fmt: skip
    joined = await _ask(server, request)
    if new.key and not joined.certificate:
        raise JoinFailed(f"{controller.origin()} gave this host no certificate: bring that controller up to date first")
    membership = Membership(
        controller=str(controller),
        host=joined.host,
        agent_token=joined.agent_token,
        controller_token=joined.controller_token,
        interval=joined.interval,
        listen=listen,
        address=host,
        port=str(port),
        plain_http=settings.plain_http,
        certificate=joined.certificate,
        key=new.key,
        ca=joined.ca,
        pinned=bool(ca),
        renew_at=now() + joined.life * 2 / 3,
    )
    try:
        settings.work_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        keep(membership, settings.work_dir)
    except OSError as error:
        raise JoinFailed(f"{settings.work_dir} cannot be written: {error.strerror}") from error
    return membership


def _former(work_dir: Path, controller: str) -> str:
    """The token of this host at this very controller, where it has one."""
    try:
        known = load(work_dir)
    except JoinFailed:
        return ""
    return known.agent_token if known.controller == controller else ""


def _wants_certificate(settings: Settings, controller: URL, listen: str) -> bool:
    if settings.plain_http or settings.tls_certificate:
        return False
    return controller.scheme == "https" or not is_loopback(address(listen, "--listen")[0])


@dataclass(frozen=True)
class Server:
    """A controller to join, what verifies it, and under which name; that of its address where there is none."""

    url: URL
    tls: ssl.SSLContext
    name: str | None = None


async def _known_by(server: Server, fingerprint: str) -> str:
    """The CA with this fingerprint, which came along with the join token. Nobody is trusted before it fits, and
    nothing is told. Raises JoinFailed.
    """
    if server.url.scheme != "https":
        raise BadSetting(f"this token is for a controller with TLS: write {server.url.with_scheme('https').origin()}")
    body, status = await _answer("GET", Server(server.url, _unverified()), "ca.pem")
    try:
        found = ssl.PEM_cert_to_DER_cert(body.decode()) if status == 200 else b""
    except ValueError:
        found = b""
    if hashlib.sha256(found).hexdigest() != fingerprint.lower():
        told = f"what answers at {server.url.origin()} is not the controller that gave this token"
        raise JoinFailed(f"{told}: see to the address, and take a new token with paasctl host token")
    return body.decode()


def _unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


async def _ask(server: Server, request: Join) -> Joined:
    body, status = await _answer("POST", server, _PATH, msgspec.json.encode(request))
    if status >= 300:
        raise JoinFailed(f"the controller refused this host ({status}): {sentence(body)}")
    try:
        return msgspec.json.decode(body, type=Joined)
    except msgspec.DecodeError as error:
        raise JoinFailed(f"{server.url.origin()} does not answer like a paas controller: {error}") from error


async def _answer(method: str, server: Server, path: str, data: bytes | None = None) -> tuple[bytes, int]:
    try:
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT) as session,
            session.request(
                method, server.url / path, data=data, headers=JSON, ssl=server.tls, server_hostname=server.name
            ) as answer,
        ):
            return await answer.read(), answer.status
    except (aiohttp.ClientError, TimeoutError) as error:
        why = why_of(error)
        if server.url.scheme == "http" and isinstance(error, aiohttp.ServerDisconnectedError):
            why = "it hung up without a word; where it serves TLS, write https://"
        up = "" if isinstance(error, aiohttp.ClientSSLError) else "; is it up there?"
        raise JoinFailed(f"the controller at {server.url.origin()} cannot be reached: {why}{up}") from error


def _controller(settings: Settings) -> URL:
    try:
        url = URL(settings.controller)
    except ValueError:
        url = URL()
    if url.scheme not in ("http", "https") or not url.host or url.query_string:
        raise BadSetting("--controller (or PAAS_AGENT_CONTROLLER) has to be an address such as https://192.0.2.1:3334")
    if url.scheme == "http" and not is_loopback(url.host) and not settings.plain_http:
        raise BadSetting(f"{url.origin()} would be spoken to in the clear: write https, or say --plain-http")
    return url


def _advertised(settings: Settings, listen: str, controller: URL) -> tuple[str, int]:
    """Where the controller reaches this agent; on a wildcard, or behind a tunnel, the address this host uses towards
    the controller.
    """
    if settings.advertise:
        return address(settings.advertise, "--advertise")
    host, port = address(listen, "--listen")
    if host not in ("0.0.0.0", "::") and not (settings.tunnel and is_loopback(host)):
        return host, port
    try:
        found = socket.getaddrinfo(controller.host, controller.port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(found[0], socket.SOCK_DGRAM) as towards:
            towards.connect(found[4])
            return str(towards.getsockname()[0]), port
    except OSError as error:
        raise JoinFailed(f"{controller.host} cannot be resolved or reached: {error.strerror}") from error
