"""A table of routes becomes an aiohttp application: every request is identified, allowed, answered, and never a 500
for its input."""

import logging
import secrets
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web
from aiohttp.typedefs import Middleware

from paas_controller.base.errors import Forbidden, NotFound, PaasError, Retryable, TooLarge, Unauthorized
from paas_controller.base.logs import request_id
from paas_controller.base.principal import Principal, Role
from paas_controller.web.answers import answer

API = "/apis/v1alpha1"
MAX_BODY = 1 << 20
PRINCIPAL = web.RequestKey("principal", Principal)

_log = logging.getLogger(__name__)

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
    open_to_all = frozenset(route.handler for route in table if route.roles is None)
    app = web.Application(client_max_size=MAX_BODY, middlewares=[_guard(authenticate, open_to_all)])
    for route in table:
        app.router.add_route(route.method, route.path, _allowed(route))
    return app


def _allowed(route: Route) -> Handler:
    """The handler, behind a look at the role."""
    if route.roles is None:
        return route.handler
    roles, handler = route.roles, route.handler

    async def allowed(request: web.Request) -> web.StreamResponse:
        role = request[PRINCIPAL].role
        if role not in roles:
            raise Forbidden(f"a token of role {role} may not do this; it takes {' or '.join(sorted(roles))}")
        return await handler(request)

    return allowed


def _guard(authenticate: Authenticate, open_to_all: frozenset[Handler]) -> Middleware:
    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        asked = request.headers.get("X-Request-Id", "")
        identifier = asked if asked.isalnum() and len(asked) <= 64 else secrets.token_hex(8)
        request_id.set(identifier)
        try:
            if request.match_info.handler not in open_to_all:
                request[PRINCIPAL] = authenticate(request)
            return await handler(request)
        except PaasError as error:
            return error_response(error, identifier)
        except web.HTTPException as error:
            return error_response(_translated(error, request), identifier)
        except Exception:
            _log.exception("%s %s failed", request.method, request.path)
            return error_response(PaasError(f"this went wrong here; the log says how, under {identifier}"), identifier)

    return guard


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
    headers = {"X-Request-Id": identifier}
    if isinstance(error, Retryable):
        headers["Retry-After"] = str(max(1, round(error.after)))
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = "Bearer"
    return answer({"error": body}, status=error.status, headers=headers)


def health_routes() -> list[Route]:
    """/healthz and /readyz: nothing listens before every room has started, so that both say the same."""

    async def health(_: web.Request) -> web.Response:
        return answer({"status": "ok"})

    return [Route("GET", path, health, None) for path in ("/healthz", "/readyz")]
