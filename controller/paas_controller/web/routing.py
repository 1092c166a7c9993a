"""A table of routes becomes an aiohttp application: every request is identified, allowed, answered, and never a 500
for its input."""

import itertools
import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import msgspec
from aiohttp import web
from pydantic import BaseModel

from paas_controller.base.errors import Forbidden, Invalid, NotFound, PaasError, Retryable, TooLarge, Unauthorized
from paas_controller.base.logs import request_id
from paas_controller.base.principal import AGENTS, ANYBODY, Principal, Role
from paas_controller.web.answers import answer
from paas_controller.web.schemas import Health

API = "/apis/v1alpha1"
MAX_BODY = 1 << 20
PRINCIPAL = web.RequestKey("principal", Principal)

_log = logging.getLogger(__name__)
REQUEST_ID = "X-Request-Id"
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_run, _count = secrets.token_hex(4), itertools.count()
"""Together they name a request: this run of the program, and which one in it."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Document = type[BaseModel] | type[msgspec.Struct]


class Authenticate(Protocol):
    """Declared here, implemented by identity."""

    def __call__(self, request: web.Request) -> Principal:
        """Who asks; raises Unauthorized."""


@dataclass(frozen=True, slots=True)
class Said:
    """What the API's document says of a route: `answers` by status, each a JSON document, a content type, or nothing.

    `refusals` are those that do not follow from the route itself, `takes` and `gives` are headers by name.
    """

    summary: str
    answers: Mapping[int, Document | str | None]
    body: Document | None = None
    query: type[BaseModel] | None = None
    path: type[BaseModel] | None = None
    refusals: tuple[int, ...] = ()
    takes: tuple[str, ...] = ()
    gives: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """One row of an API. `roles` None means open: the handler looks at whatever proof there is by itself."""

    method: str
    path: str
    handler: Handler
    roles: frozenset[Role] | None
    said: Said


def application(routes: Iterable[Route], authenticate: Authenticate) -> web.Application:
    """The application of these routes. Whoever has no valid token learns nothing, not even what exists."""
    app = web.Application(client_max_size=MAX_BODY)
    # Each handler is guarded by itself: a middleware would cost every request as much as the guard does.
    for route in (*routes, Route("*", "/{path:.*}", _nothing, ANYBODY, Said("Nothing.", {}))):
        app.router.add_route(route.method, route.path, _guarded(route, authenticate))
    return app


def _guarded(route: Route, authenticate: Authenticate) -> Handler:
    """The handler behind request id, token and role, and in front of the error map."""
    roles, handler = route.roles, route.handler
    plain = route.said.query is None and route.path.startswith(API)
    told = route.method != "GET" and roles is not None and roles is not AGENTS

    async def guarded(request: web.Request) -> web.StreamResponse:
        asked = request.headers.get(REQUEST_ID)
        identifier = asked if asked and _IDENTIFIER.fullmatch(asked) else f"{_run}{next(_count):x}"
        request_id.set(identifier)
        try:
            if roles is not None:
                request[PRINCIPAL] = principal = authenticate(request)
                if principal.role not in roles:
                    raise Forbidden(_too_little(principal, roles))
            if plain and request.query_string:
                raise Invalid(f"{request.path} takes no parameters behind a question mark")
            response = await handler(request)
            if told:
                _log.info("%s %s %d by %s", request.method, request.path, response.status, principal.name)
        except Exception as error:
            response = error_response(_ours(error, request), identifier)
            if isinstance(error, web.HTTPMethodNotAllowed):
                response.headers["Allow"] = error.headers["Allow"]
        response.headers[REQUEST_ID] = identifier
        return response

    return guarded


async def _nothing(request: web.Request) -> web.StreamResponse:
    """Where no route is: 405 names the methods of the routes at this path, 404 says that there are none."""
    methods: set[str] = set()
    for resource in request.app.router.resources():
        if resource.canonical != "/{path}":
            methods |= (await resource.resolve(request))[1]
    if methods:
        raise web.HTTPMethodNotAllowed(request.method, methods)
    raise web.HTTPNotFound


def _too_little(principal: Principal, roles: frozenset[Role]) -> str:
    return f"a token of role {principal.role} may not do this; it takes {' or '.join(sorted(roles))}"


def _ours(error: Exception, request: web.Request) -> PaasError:
    """The error as one of ours; what nobody expected goes to the log and nowhere else."""
    if isinstance(error, PaasError):
        return error
    if isinstance(error, web.HTTPException):
        return _translated(error, request)
    if isinstance(error, web.RequestPayloadError):
        return Invalid("the body cannot be read: it breaks off, or is not encoded as it says")
    _log.error("%s %s failed", request.method, request.path, exc_info=error)
    return PaasError("this went wrong here; the log says how, under this request_id")


def _translated(error: web.HTTPException, request: web.Request) -> PaasError:
    if error.status == 404:
        return NotFound(f"there is nothing at {request.path}")
    if error.status == 413:
        return TooLarge(f"the body is larger than {MAX_BODY} bytes")
    if error.status == 405:
        wrong = PaasError(f"{request.method} is not known here; {error.headers['Allow']} is")
    else:
        wrong = PaasError(error.reason)
    wrong.status, wrong.code = error.status, error.reason.lower().replace(" ", "-")  # type: ignore[misc]
    return wrong


def error_response(error: PaasError, identifier: str) -> web.Response:
    """The one shape of all errors."""
    body = {"code": error.code, "message": error.message, "details": error.details, "request_id": identifier}
    response = answer({"error": body}, error.status)
    if isinstance(error, Retryable):
        response.headers["Retry-After"] = str(max(1, round(error.after)))
    if isinstance(error, Unauthorized):
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def health_routes() -> list[Route]:
    """/healthz and /readyz: nothing listens before every room has started, so that both say the same."""

    async def health(_: web.Request) -> web.Response:
        return answer({"status": "ok"})

    said = Said("Whether the controller serves.", {200: Health})
    return [Route("GET", path, health, None, said) for path in ("/healthz", "/readyz")]
