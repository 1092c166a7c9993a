"""One file over HTTP: redirects, conditional and resumed requests, streamed to disk while it is hashed."""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
from yarl import URL

from paas_agent.contract import Fault
from paas_agent.partial import Partial, Version, in_thread
from paas_agent.tls import sentence

Watch = Callable[[int, int], None]
"""Hears of bytes done and of the total, 0 where the server does not say."""

READ_BUFFER = 1 << 19
REDIRECTS = frozenset({301, 302, 303, 307, 308})


class FetchFailed(Exception):
    """A file could not be had; the message is a sentence for a person, `fault` says whose it is."""

    def __init__(self, message: str, fault: Fault = "environment") -> None:
        super().__init__(message)
        self.fault: Fault = fault


class Unreachable(FetchFailed):
    """The repository gave no answer that says anything about the file: what was good before is still the best guess."""


class Broken(Unreachable):
    """An answer began, and came to nothing: worth another try at once."""


class Missing(FetchFailed):
    """The repository says that the file is not there."""


@dataclass(frozen=True)
class Patience:
    """How long a repository is waited for, in seconds, and the pauses before a broken download is resumed."""

    connect: float = 10
    stall: float = 30
    pauses: tuple[float, ...] = (0.2, 1, 3)
    redirects: int = 5


def version_of(headers: Mapping[str, str]) -> Version:
    """The version in the answer's headers; empty while the file is so new that it may change within the same second.

    Last-Modified counts whole seconds, and many servers make their ETag of it: RFC 9110, 8.8.2.2. An ETag that is no
    plain text is as good as none.
    """
    etag, modified = headers.get("ETag", ""), headers.get("Last-Modified", "")
    if not etag.isascii():
        etag = ""
    if modified:
        try:
            age = parsedate_to_datetime(headers.get("Date", "")) - parsedate_to_datetime(modified)
        except (TypeError, ValueError):
            return Version()
        if age.total_seconds() < 2:
            return Version()
    return Version(etag, modified)


class Source:
    """GET from repositories, as one session. A token goes to the origin it belongs to and to no other."""

    def __init__(
        self, session: aiohttp.ClientSession, own: Callable[[str], dict[str, Any] | None], patience: Patience
    ) -> None:
        self._session = session
        self._own = own
        self.patience = patience
        self._timeout = aiohttp.ClientTimeout(connect=patience.connect, sock_read=patience.stall)

    @asynccontextmanager
    async def get(self, url: URL, headers: Mapping[str, str]) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer after redirects, with a status that needs no excuse: 200, 206, 304 or 416."""
        here, own = url, self._own(str(url)) or {}
        token, tls = own.get("headers", {}), {name: value for name, value in own.items() if name != "headers"}
        try:
            for _ in range(self.patience.redirects + 1):
                same = here.origin() == url.origin()
                async with self._session.get(
                    here, headers={"Accept-Encoding": "identity", **headers, **(token if same else {})},
                    timeout=self._timeout, allow_redirects=False, raise_for_status=False, auto_decompress=False,
                    read_bufsize=READ_BUFFER, **(tls if same else {}),
                ) as response:  # fmt: skip
                    if response.status not in REDIRECTS:
                        _refuse(url, response.status)
                        yield response
                        return
                    here = follow(url, here, response.headers.get("Location", ""))
        except aiohttp.ClientPayloadError as exc:
            raise Broken(f"{url} broke off before its end; see to its web server and the line there") from exc
        except (aiohttp.ClientError, TimeoutError) as exc:
            why = why_of(exc)
            raise Unreachable(f"{url} cannot be reached: {why}; see to its web server, or mend repo_url") from exc
        raise FetchFailed(f"{url} is redirected more than {self.patience.redirects} times; mend its web server")

    async def text(self, url: URL, known: Version, limit: int = 1 << 20) -> tuple[str, Version] | None:
        """A small file whole, with its version; None when it is still the known one."""
        async with self.get(url, known.unless_same()) as response:
            if response.status == 304 and known != Version():
                return None
            if response.status != 200:
                raise _odd(url)
            body = bytearray()
            while chunk := await response.content.readany():
                body += chunk
                if len(body) > limit:
                    raise FetchFailed(f"{url} is larger than {limit >> 20} MiB; is it the right file?")
            return body.decode(errors="replace"), version_of(response.headers)


def _refuse(url: URL, status: int) -> None:
    if status in (200, 206, 304, 416):
        return
    if status in (404, 410):
        raise Missing(f"{url} is not there ({status}); publish it, or mend the instance's repo_url and names")
    if status >= 500 or status in (408, 425, 429):
        raise Unreachable(f"{url} cannot be had: its web server answers {status}; see to that server")
    raise FetchFailed(f"{url} cannot be had: its web server answers {status}; let this host read it")


def _odd(url: URL) -> Broken:
    return Broken(f"{url} cannot be had: its web server gives an answer to another question; see to it")


def follow(url: URL, here: URL, location: str) -> URL:
    """Where a redirect from `here` leads; `url` is what was asked for first."""
    try:
        there = here.join(URL(location))
    except ValueError:
        there = URL()
    if there.scheme not in ("http", "https") or not there.host or not location:
        raise FetchFailed(f"{url} is redirected to nowhere; mend its web server")
    if here.scheme == "https" and there.scheme == "http":
        raise FetchFailed(f"{url} is redirected from https to http, where anybody could change it; mend its web server")
    return there.with_user(None)


def why_of(exc: Exception) -> str:
    """Why a server was not reached, in words."""
    if isinstance(exc, TimeoutError):
        return "no byte came in time"
    if isinstance(exc, aiohttp.ClientSSLError):
        return f"TLS failed: {sentence(exc)}"
    if isinstance(exc, aiohttp.ClientResponseError):
        return "what answers there does not speak HTTP"
    if isinstance(exc, OSError) and exc.errno and exc.errno > 0:
        return os.strerror(exc.errno)
    return getattr(exc, "strerror", None) or str(exc) or type(exc).__name__


async def download(source: Source, url: URL, part: Partial, known: Version, watch: Watch) -> bool:
    """Bring `part` to its end, resuming a few times; False when the file still is the `known` version."""
    pauses = iter(source.patience.pauses)
    while True:
        try:
            return await _transfer(source, url, part, known, watch)
        except Unreachable as exc:
            pause = next(pauses, None)
            if pause is None or not (part.size or isinstance(exc, Broken)):
                raise
            await asyncio.sleep(pause)


async def _transfer(source: Source, url: URL, part: Partial, known: Version, watch: Watch) -> bool:
    strong = part.version.strong()
    resume = {"Range": f"bytes={part.size}-", "If-Range": strong} if part.size and strong else {}
    async with source.get(url, {**known.unless_same(), **resume}) as response:
        if response.status == 304 and known != Version():
            return False
        start, total = _extent(response)
        if not (start and start == part.size and part.version.named_in(response.headers)):
            await in_thread(part.restart, version_of(response.headers))
            if start != 0:
                raise _odd(url)
        part.resumed = part.resumed or part.size > 0
        part.expect(total)
        watch(part.size, total)
        while chunk := await response.content.readany():
            await in_thread(part.write, chunk)
            watch(part.size, total)
    if total and part.size != total:
        raise Broken(f"{url} broke off after {part.size} of {total} bytes; see to its web server")
    return True


def _extent(response: aiohttp.ClientResponse) -> tuple[int | None, int]:
    """Where the body begins in the file, None for nowhere, and the length of the whole file, 0 if unknown."""
    if response.status == 200:
        return 0, response.content_length or 0
    span = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
    if response.status != 206 or span is None:
        return None, 0
    return int(span[1]), int(span[2]) if span[2] != "*" else 0
