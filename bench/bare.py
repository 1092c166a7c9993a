"""The yardstick of the HTTP measures: a bare aiohttp handler that parses the body it is sent, and no more."""

import asyncio
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

import msgspec
from aiohttp import web


class _Check(msgspec.Struct):
    code: str
    msg: str = ""


@contextmanager
def bare_server() -> Iterator[int]:
    """Its port; it runs in a process of its own."""
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(there,), daemon=True)
    server.start()
    try:
        yield int(here.recv())
    finally:
        server.terminate()
        server.join()


def _serve(ready: Connection) -> None:
    decoder = msgspec.json.Decoder(_Check)

    async def take(request: web.Request) -> web.Response:
        decoder.decode(await request.read())
        return web.Response(body=b"{}", status=202, content_type="application/json")

    async def ping(_: web.Request) -> web.Response:
        return web.Response(text="pong")

    async def run() -> None:
        app = web.Application()
        app.router.add_put("/database/{name}/check", take)
        app.router.add_get("/ping", ping)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        ready.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(run())
