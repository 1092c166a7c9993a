"""A table of routes becomes an aiohttp application: every request is identified, allowed, answered, and never a 500
for its input."""

import itertools
import logging
import secrets
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web
from aiohttp.typedefs import Middleware

from paas_controller.base.errors import Forbidden, NotFound, PaasError, Retryable, TooLarge, Unauthorized
from paas_controller.base.logs import request_id
from paas_controller.base.principal import AGENTS, ANYBODY, Principal, Role
from paas_controller.web.answers import answer

API = "/apis/v1alpha1"
MAX_BODY = 1 << 20
PRINCIPAL = web.RequestKey("principal", Principal)

_log = logging.getLogger(__name__)
_run, _count = secrets.token_hex(4), itertools.count()
"""Together they name a request: this run of the program, and which one in it."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Authenticate(Protocol):
    """Declared here, implemented by identity."""

    def __call__(self, request: web.Request) -> Principal:
        """Who asks; raises Unauthorized."""


@dataclass(frozen=True, slots=True)
class Route:
    """One row of an API. `roles` None means open: the handler looks at whatever proof there is by itself."""

    method: str
    path: str
    handler: Handler
    roles: frozenset[Role] | None


def application(routes: Iterable[Route], authenticate: Authenticate) -> web.Application:
    """The application of these routes. Whoever has no valid token learns nothing, not even what exists."""
    table = list(routes)
    app = web.Application(client_max_size=MAX_BODY, middlewares=[_guard(authenticate, table)])
    for route in table:
        app.router.add_route(route.method, route.path, route.handler)
    return app


def _guard(authenticate: Authenticate, table: Sequence[Route]) -> Middleware:
    roles_of = {route.handler: route.roles for route in table}

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        asked = request.headers.get("X-Request-Id", "")
        identifier = asked if asked.isascii() and asked.isalnum() and len(asked) <= 64 else f"{_run}{next(_count):x}"
        request_id.set(identifier)
        try:
            roles = roles_of.get(request.match_info.handler, ANYBODY)
            if roles is not None:
                request[PRINCIPAL] = principal = authenticate(request)
                if principal.role not in roles:
                    raise Forbidden(_told(principal, roles))
            response = await handler(request)
            if request.method != "GET" and roles is not None and roles is not AGENTS:
                _log.info("%s %s %d by %s", request.method, request.path, response.status, principal.name)
            return response
        except PaasError as error:
            return error_response(error, identifier)
        except web.HTTPException as error:
            return error_response(_translated(error, request), identifier)
        except Exception:
            _log.exception("%s %s failed", request.method, request.path)
            return error_response(PaasError(f"this went wrong here; the log says how, under {identifier}"), identifier)

    return guard


def _told(principal: Principal, roles: frozenset[Role]) -> str:
    return f"a token of role {principal.role} may not do this; it takes {' or '.join(sorted(roles))}"


def _translated(error: web.HTTPException, request: web.Request) -> PaasError:
    if error.status == 404:
        return NotFound(f"there is nothing at {request.path}")
    if error.status == 413:
        return TooLarge(f"the body is larger than {MAX_BODY} bytes")
    if error.status == 405:
        wrong = PaasError(f"{request.method} is not known here; {error.headers.get('Allow', '')} is")
    else:
        wrong = PaasError(error.reason)
    wrong.status, wrong.code = error.status, error.reason.lower().replace(" ", "-")  # type: ignore[misc]
    return wrong


def error_response(error: PaasError, identifier: str) -> web.Response:
    """The one shape of all errors."""
    body = {"code": error.code, "message": error.message, "details": error.details, "request_id": identifier}
    response = answer({"error": body}, error.status)
    response.headers["X-Request-Id"] = identifier
    if isinstance(error, Retryable):
        response.headers["Retry-After"] = str(max(1, round(error.after)))
    if isinstance(error, Unauthorized):
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def health_routes() -> list[Route]:
    """/healthz and /readyz: nothing listens before every room has started, so that both say the same."""

    async def health(_: web.Request) -> web.Response:
        return answer({"status": "ok"})

    return [Route("GET", path, health, None) for path in ("/healthz", "/readyz")]
