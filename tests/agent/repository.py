"""A repository on loopback for the tests: a real web server over a real folder, which misbehaves when it is told to."""

import asyncio
import hashlib
import os
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestServer

Fault = Callable[[web.Request, Path], Awaitable[web.StreamResponse]]


@dataclass
class Asked:
    name: str
    headers: dict[str, str]
    answer: web.StreamResponse | None = None


@dataclass
class Repository:
    folder: Path
    asked: list[Asked] = field(default_factory=list)
    faults: dict[str, deque[Fault]] = field(default_factory=lambda: defaultdict(deque))
    published: int = 0

    def __post_init__(self) -> None:
        self.folder.mkdir()
        app = web.Application()
        app.router.add_get("/{name}", self._serve)
        self.server = TestServer(app)

    @property
    def url(self) -> str:
        return str(self.server.make_url("/"))

    def publish(self, name: str, content: bytes, *, age: float = 1000) -> str:
        """Put a file there, `age` seconds old and newer than any before; answers its digest."""
        path = self.folder / name
        path.write_bytes(content)
        self.published += 1
        then = path.stat().st_mtime - age + self.published
        os.utime(path, (then, then))
        return hashlib.sha256(content).hexdigest()

    def publish_sums(self, **others: str) -> None:
        digests = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in self.folder.iterdir()}
        digests = {**digests, **others}
        digests.pop("SHA256SUMS", None)
        self.publish("SHA256SUMS", "".join(f"{each}  {name}\n" for name, each in digests.items()).encode())

    def fail(self, name: str, *faults: Fault) -> None:
        """Answer the next requests for a name by these faults, one each."""
        self.faults[name].extend(faults)

    def took(self) -> list[tuple[str, int]]:
        """What was asked since the last call: names and statuses."""
        asked, self.asked = self.asked, []
        return [(each.name, each.answer.status) for each in asked if each.answer]

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        name, path = request.match_info["name"], self.folder / request.match_info["name"]
        asked = Asked(name, dict(request.headers))
        self.asked.append(asked)
        if self.faults[name]:
            asked.answer = await self.faults[name].popleft()(request, path)
        else:
            asked.answer = web.FileResponse(path) if path.exists() else web.Response(status=404)
        return asked.answer


def _etag(path: Path) -> dict[str, str]:
    """The name that the undisturbed server gives this state of the file."""
    stat = path.stat()
    return {"ETag": f'"{stat.st_mtime_ns:x}-{stat.st_size:x}"'}


async def _begin(request: web.Request, path: Path, count: int) -> web.StreamResponse:
    response = web.StreamResponse(headers=_etag(path))
    response.content_length = path.stat().st_size
    await response.prepare(request)
    await response.write(path.read_bytes()[:count])
    return response


def broken_after(count: int, seen: asyncio.Event | None = None) -> Fault:
    """Say the whole length, send `count` bytes, and cut the line, not before they were `seen`."""

    async def serve(request: web.Request, path: Path) -> web.StreamResponse:
        response = await _begin(request, path, count)
        if seen:
            await seen.wait()
        assert request.transport
        request.transport.close()
        return response

    return serve


def stalled_after(count: int) -> Fault:
    """Send `count` bytes, then nothing until the other side hangs up."""

    async def serve(request: web.Request, path: Path) -> web.StreamResponse:
        response = await _begin(request, path, count)
        while request.transport and not request.transport.is_closing():
            await asyncio.sleep(0.01)
        return response

    return serve


def whole() -> Fault:
    """The whole file, chunked and without a length, whatever range was asked for, and without a name for its state."""

    async def serve(request: web.Request, path: Path) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(path.read_bytes())
        return response

    return serve


def answering(status: int, **headers: str) -> Fault:
    async def serve(_request: web.Request, _path: Path) -> web.StreamResponse:
        return web.Response(status=status, headers=headers)

    return serve


async def compressed_in_name(request: web.Request, path: Path) -> web.StreamResponse:
    """As servers do that take a tar.gz for a tar in transport."""
    return web.Response(body=path.read_bytes(), headers={"Content-Encoding": "gzip"})
