"""HTTP of the stream: server-sent events, as browsers and curl know them."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from aiohttp import web

from paas_controller.base.errors import Invalid, PaasError
from paas_controller.base.logs import request_id
from paas_controller.base.principal import READERS
from paas_controller.events.schemas import StreamQuery
from paas_controller.events.stream import Behind, Listener, Stream, Wanted
from paas_controller.web.queries import read_query
from paas_controller.web.routing import API, REQUEST_ID, Authenticate, Route, Said

LAST_EVENT_ID = "Last-Event-ID"
_HEADERS = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between two heartbeats, until a blocked connection is given up, and before a client connects again."""

    heartbeat: float = 15.0
    patience: float = 30.0
    retry: float = 3.0


def stream_routes(stream: Stream, authenticate: Authenticate, pace: Pace) -> list[Route]:
    """GET /events. Whose token is withdrawn hears no more than until the next heartbeat."""

    async def listen(request: web.Request) -> web.StreamResponse:
        asked, after = read_query(request, StreamQuery), _last_seen(request)
        async with stream.listening(after, Wanted(asked.kind or "", asked.name)) as listener:
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

    said = Said(
        "Every change as it happens, from now on or from behind Last-Event-ID (0: from the beginning of what is kept).",
        {200: "text/event-stream"}, query=StreamQuery, refusals=(400,), takes=(LAST_EVENT_ID,),
    )  # fmt: skip
    return [Route("GET", f"{API}/events", listen, READERS, said)]


def _goodbye(why: str, listener: Listener) -> bytes:
    return f": {why}; connect again with {LAST_EVENT_ID}: {listener.position} to go on\n\n".encode()


def _last_seen(request: web.Request) -> int | None:
    value = request.headers.get(LAST_EVENT_ID)
    if not value:
        return None
    if not (value.isascii() and value.isdecimal() and len(value) < 19):
        raise Invalid(f"{LAST_EVENT_ID} is the number of an event, or 0 for all that are kept; not {value!r}")
    return int(value)
