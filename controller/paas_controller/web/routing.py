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
from multidict import istr
from pydantic import BaseModel

from paas_controller.base.errors import Forbidden, Invalid, PaasError
from paas_controller.base.logs import request_id
from paas_controller.base.principal import AGENTS, ANYBODY, Principal, Role
from paas_controller.store.company import Company, company
from paas_controller.web.answers import answer
from paas_controller.web.faults import MAX_BODY, error_response, ours
from paas_controller.web.schemas import Health

API = "/apis/v1alpha1"
"""Of the platform: hosts, and the software on them."""
API1 = "/api/v1"
"""Of apps on Kubernetes."""
PRINCIPAL = web.RequestKey("principal", Principal)
ABOUT = web.RequestKey("about", str)
"""What a change is about, where the path does not say so."""

_log = logging.getLogger(__name__)
REQUEST_ID = istr("X-Request-Id")
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
    again: Handler | None = None
    """Answers anew where the change was committed and its answer lost; None: the handler may as well run again."""
    tenants: bool = False
    """Whether a tenant's token is let in. Its handler shows and touches what is that tenant's, and nothing else."""

    @property
    def changes(self) -> bool:
        """Whether people ask for a change by it. What agents report is none; that one joins is."""
        return self.method in ("POST", "PUT", "PATCH", "DELETE") and self.roles is not AGENTS

    @property
    def keyed(self) -> bool:
        """Whether an Idempotency-Key counts. A join token can be used once anyway."""
        return self.changes and self.method != "DELETE" and self.roles is not None


Around = Callable[[Route, Handler], Handler]
"""Puts something around the handler of a route."""


def _as_it_is(_: Route, handler: Handler) -> Handler:
    return handler


@dataclass(frozen=True, slots=True)
class Hooks:
    """What `app` puts around handlers: around those of all routes, and around those of changes."""

    measure: Around = _as_it_is
    witness: Around = _as_it_is
    """Sees each change that is asked for, and how it was answered, the refused ones included."""
    once: Around = _as_it_is
    """Stands behind token and role."""
    overhear: Around = _as_it_is
    """Hears what agents are refused, who ask for no change."""


def application(routes: Iterable[Route], authenticate: Authenticate, hooks: Hooks | None = None) -> web.Application:
    """The application of these routes. Whoever has no valid token learns nothing, not even what exists."""
    app = web.Application(client_max_size=MAX_BODY)
    hooks = hooks or Hooks()
    # Each handler is guarded by itself: a middleware would cost every request as much as the guard does.
    for route in (*routes, Route("*", "/{path:.*}", _nothing, ANYBODY, Said("Nothing.", {}), tenants=True)):
        handler = hooks.once(route, route.handler) if route.changes else route.handler
        handler = _allowed(route, handler, authenticate)
        handler = _accompanied(hooks.witness(route, handler)) if route.changes else handler
        handler = hooks.overhear(route, handler) if route.roles is AGENTS else handler
        app.router.add_route(route.method, route.path, hooks.measure(route, _mapped(handler)))
    return app


def _mapped(handler: Handler) -> Handler:
    """The handler behind a request id and in front of the error map."""

    async def mapped(request: web.Request) -> web.StreamResponse:
        asked = request.headers.get(REQUEST_ID)
        identifier = asked if asked and _IDENTIFIER.fullmatch(asked) else f"{_run}{next(_count):x}"
        request_id.set(identifier)
        try:
            response = await handler(request)
        except Exception as error:
            refusal = ours(error, request)
            _log_refusal(request, refusal)
            response = error_response(refusal, identifier)
            if isinstance(error, web.HTTPMethodNotAllowed):
                response.headers["Allow"] = error.headers["Allow"]
        response.headers[REQUEST_ID] = identifier
        return response

    return mapped


def _log_refusal(request: web.Request, error: PaasError) -> None:
    """Without what stands behind the question mark. What nobody expected is in the log already, with its cause."""
    if error.code != PaasError.code:
        level = logging.WARNING if error.status >= 500 else logging.INFO
        told = (request.method, request.rel_url.raw_path, error.status, error.code, error.message)
        _log.log(level, "%s %s %d %s: %s", *told)


def _allowed(route: Route, handler: Handler, authenticate: Authenticate) -> Handler:
    """The handler behind token, tenant and role."""
    roles, told = route.roles, route.changes
    plain = route.said.query is None and route.path.startswith((API, API1))
    if roles is None:
        return handler

    async def allowed(request: web.Request) -> web.StreamResponse:
        request[PRINCIPAL] = principal = authenticate(request)
        if principal.tenant and not route.tenants:
            raise Forbidden(_of_a_tenant(principal))
        if principal.role not in roles:
            raise Forbidden(_too_little(principal, roles))
        if plain and request.rel_url.raw_query_string:
            raise Invalid(f"{request.path} takes no parameters behind a question mark")
        response = await handler(request)
        if told:
            _log.info("%s %s %d by %s", request.method, request.path, response.status, principal.name)
        return response

    return allowed


def _accompanied(handler: Handler) -> Handler:
    """The handler of a change: what is added to its company is committed together with it."""

    async def accompanied(request: web.Request) -> web.StreamResponse:
        company.set(Company())
        try:
            return await handler(request)
        finally:
            company.set(None)

    return accompanied


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


def _of_a_tenant(principal: Principal) -> str:
    told = f"{principal.name} has a token of the tenant {principal.tenant}: it is good for the apps below {API1} alone"
    return f"{told}; the rest is the platform's"


def health_routes() -> list[Route]:
    """/healthz and /readyz: nothing listens before every room has started, so that both say the same."""

    async def health(_: web.Request) -> web.Response:
        return answer({"status": "ok"})

    said = Said("Whether the controller serves.", {200: Health})
    return [Route("GET", path, health, None, said) for path in ("/healthz", "/readyz")]
