"""Enrolment: what a joined agent knows of its controller, and how it came to know it."""

import socket
import ssl
from pathlib import Path

import aiohttp
import msgspec
from yarl import URL

from paas_agent import __version__
from paas_agent.contract import Join, Joined
from paas_agent.download import why_of
from paas_agent.journal import write_whole
from paas_agent.settings import DEFAULT_LISTEN, BadSetting, Settings, address

JSON = {"Content-Type": "application/json"}
_PATH = "apis/v1alpha1/agents/join"
_TIMEOUT = aiohttp.ClientTimeout(total=30)


class Membership(msgspec.Struct, kw_only=True):
    """The file agent.json: the two tokens of this host, and where it and its controller are."""

    controller: str
    host: str
    agent_token: str
    controller_token: str
    interval: float
    listen: str
    address: str
    port: str


class JoinFailed(Exception):
    """The host could not be enrolled; a sentence for the person who tried."""


def load(work_dir: Path) -> Membership:
    """The membership of this work folder; JoinFailed says that there is none, or that it cannot be read."""
    path = work_dir / "agent.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Membership)
    except FileNotFoundError:
        raise JoinFailed(f"this agent has not joined: run `paas-agent join --work-dir {work_dir} …` first") from None
    except (OSError, msgspec.DecodeError) as error:
        raise JoinFailed(f"{path} cannot be read ({error}); join again") from None


async def join(settings: Settings, tls: ssl.SSLContext | bool) -> Membership:
    """Enrol this host and keep what came of it in agent.json. Raises JoinFailed and BadSetting."""
    controller = _controller(settings.controller)
    if not settings.join_token:
        raise BadSetting("--join-token (or PAAS_AGENT_JOIN_TOKEN) is needed; the controller's administrator gives it")
    listen = settings.listen or DEFAULT_LISTEN
    host, port = _advertised(settings.advertise, listen, controller)
    request = Join(
        join_token=settings.join_token, address=host, port=str(port), version=__version__, features=settings.features
    )
    joined = await _ask(controller / _PATH, request, tls)
    membership = Membership(
        controller=str(controller),
        host=joined.host,
        agent_token=joined.agent_token,
        controller_token=joined.controller_token,
        interval=joined.interval,
        listen=listen,
        address=host,
        port=str(port),
    )
    try:
        settings.work_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(settings.work_dir / "agent.json", msgspec.json.format(msgspec.json.encode(membership)))
    except OSError as error:
        raise JoinFailed(f"{settings.work_dir} cannot be written: {error.strerror}") from error
    return membership


async def _ask(url: URL, request: Join, tls: ssl.SSLContext | bool) -> Joined:
    try:
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT) as session,
            session.post(url, data=msgspec.json.encode(request), headers=JSON, ssl=tls) as answer,
        ):
            body = await answer.read()
    except (aiohttp.ClientError, TimeoutError) as error:
        why = why_of(error)
        raise JoinFailed(f"the controller at {url.origin()} cannot be reached: {why}; is it up there?") from error
    if answer.status >= 300:
        raise JoinFailed(f"the controller refused this host ({answer.status}): {_sentence(body)}")
    try:
        return msgspec.json.decode(body, type=Joined)
    except msgspec.DecodeError as error:
        raise JoinFailed(f"{url.origin()} does not answer like a paas controller: {error}") from error


def _sentence(body: bytes) -> str:
    try:
        return str(msgspec.json.decode(body)["error"]["message"])
    except (msgspec.DecodeError, LookupError, TypeError):
        return "no reason given"


def _controller(text: str) -> URL:
    try:
        url = URL(text)
        if url.scheme in ("http", "https") and url.host and not url.query_string:
            return url
    except ValueError:
        pass
    raise BadSetting("--controller (or PAAS_AGENT_CONTROLLER) has to be an address such as http://192.0.2.1:3334")


def _advertised(advertise: str, listen: str, controller: URL) -> tuple[str, int]:
    """Where the controller reaches this agent; on a wildcard, the address this host uses towards the controller."""
    if advertise:
        return address(advertise, "--advertise")
    host, port = address(listen, "--listen")
    if host not in ("0.0.0.0", "::"):
        return host, port
    try:
        found = socket.getaddrinfo(controller.host, controller.port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(found[0], socket.SOCK_DGRAM) as towards:
            towards.connect(found[4])
            return str(towards.getsockname()[0]), port
    except OSError as error:
        raise JoinFailed(f"{controller.host} cannot be resolved or reached: {error.strerror}") from error
