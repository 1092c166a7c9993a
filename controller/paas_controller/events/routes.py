"""HTTP of the stream: server-sent events, as browsers and curl know them."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

from aiohttp import web

from paas_controller.base.errors import Invalid, PaasError
from paas_controller.base.logs import request_id
from paas_controller.base.principal import READERS
from paas_controller.events.schemas import APP_KINDS, AppStreamQuery, StreamQuery
from paas_controller.events.stream import Behind, Listener, Step, Stream, Wanted
from paas_controller.web.queries import read_query
from paas_controller.web.routing import API, API1, PRINCIPAL, REQUEST_ID, Authenticate, Route, Said

LAST_EVENT_ID = "Last-Event-ID"
_HEADERS = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between two heartbeats, until a blocked connection is given up, and before a client connects again."""

    heartbeat: float = 15.0
    patience: float = 30.0
    retry: float = 3.0


def stream_routes(stream: Stream, authenticate: Authenticate, pace: Pace) -> list[Route]:
    """GET /events, of everything and of apps. Whose token is withdrawn hears no more than until the next heartbeat."""

    async def everything(request: web.Request) -> web.StreamResponse:
        asked = read_query(request, StreamQuery)
        return await listen(request, Wanted(asked.kind or "", asked.name))

    async def apps(request: web.Request) -> web.StreamResponse:
        asked, tenant = read_query(request, AppStreamQuery), request[PRINCIPAL].tenant

        def meant(step: Step) -> bool:
            within = asked.name in ("", step.name, step.name.partition("/")[0])
            return within and step.topic in APP_KINDS and tenant in ("", step.tenant)

        return await listen(request, Wanted(asked.kind or "", meant=meant))

    async def listen(request: web.Request, wanted: Wanted) -> web.StreamResponse:
        async with stream.listening(_last_seen(request), wanted) as listener:
            response = web.StreamResponse(headers=_HEADERS | {REQUEST_ID: request_id.get()})
            await response.prepare(request)
            try:
                async with aclosing(messages(request, listener)) as told:
                    async for message in told:
                        async with asyncio.timeout(pace.patience):
                            await response.write(message)
            except TimeoutError:
                if request.transport is not None:
                    request.transport.abort()
            except ConnectionError:
                pass  # the listener has gone
            return response

    async def messages(request: web.Request, listener: Listener) -> AsyncGenerator[bytes, None]:
        # An id alone is what a client resumes by that is cut off before it has heard anything.
        yield b"retry: %d\nid: %d\n\n" % (pace.retry * 1000, listener.position)
        loop = asyncio.get_running_loop()
        due = loop.time() + pace.heartbeat
        try:
            while not stream.closed:
                try:
                    async with asyncio.timeout_at(due):
                        message = await listener.next()
                except TimeoutError:
                    authenticate(request)
                    message, due = b":\n\n", loop.time() + pace.heartbeat
                yield message
            yield _goodbye("the controller stops", listener)
        except Behind:
            yield _goodbye("this connection takes less than what happens", listener)
        except PaasError as error:
            yield _goodbye(error.message, listener)

    said = partial(Said, answers={200: "text/event-stream"}, refusals=(400,), takes=(LAST_EVENT_ID,))
    since = "as it happens, from now on or from behind Last-Event-ID (0: from the beginning of what is kept)."
    return [
        Route("GET", f"{API}/events", everything, READERS, said(f"Every change {since}", query=StreamQuery)),
        Route("GET", f"{API1}/events", apps, READERS, said(f"Every change of apps {since}", query=AppStreamQuery),
              tenants=True),
    ]  # fmt: skip


def _goodbye(why: str, listener: Listener) -> bytes:
    return f": {why}; connect again with {LAST_EVENT_ID}: {listener.position} to go on\n\n".encode()


def _last_seen(request: web.Request) -> int | None:
    value = request.headers.get(LAST_EVENT_ID)
    if not value:
        return None
    if not (value.isascii() and value.isdecimal() and len(value) < 19):
        raise Invalid(f"{LAST_EVENT_ID} is the number of an event, or 0 for all that are kept; not {value!r}")
    return int(value)
