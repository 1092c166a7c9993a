"""The agent's HTTP API: HTTP in, HTTP out; no decision is taken here."""

import logging
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import cast, get_args

import msgspec
from aiohttp import web

from paas_agent import __version__, metrics, orders, output
from paas_agent.checks import Checks
from paas_agent.contract import Action, Order, Outcome
from paas_agent.errors import Refused
from paas_agent.instances import Instances
from paas_agent.journal import Operation
from paas_agent.live import Live
from paas_agent.operations import Operations
from paas_agent.packages import FetchFailed, Packages
from paas_agent.trust import Trust

log = logging.getLogger(__name__)

MAX_BODY = 2 * 1024 * 1024  # an order holds what somebody sent the controller in 1 MiB, and a little more
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Api:
    """What the routes speak to."""

    trust: Trust
    features: list[str]
    instances: Instances
    operations: Operations
    checks: Checks
    packages: Packages

    def application(self) -> web.Application:
        """The routes behind error map and token."""
        app = web.Application(middlewares=[_errors, self._authenticate], client_max_size=MAX_BODY)
        app.router.add_get("/ping", self._ping)
        app.router.add_get("/instances", self._list)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_post("/check", self._check)
        app.router.add_get("/operations/{id}", self._operation)
        app.router.add_get("/operations/{id}/log", self._log)
        app.router.add_delete("/operations/{id}", self._cancel)
        for action in get_args(Action):
            app.router.add_post(f"/{action}", self._order)
        return app

    @web.middleware
    async def _authenticate(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        known = scheme.lower() == "bearer" and self.trust.accepts(token.strip())
        if not known and (request.method, request.path) != ("GET", "/ping"):
            raise Refused(401, "unauthorized", "this needs the header Authorization: Bearer and this host's token")
        if not self.trust.proves(request):
            raise Refused(403, "forbidden", "this token came without the certificate of this host's controller")
        return await handler(request)

    async def _parse(self, request: web.Request) -> Order:
        order = orders.parse(await request.read())
        order.host_ip = order.host_ip or self.trust.membership.address
        order.hosts = order.hosts or [order.host_ip]
        return order

    async def _order(self, request: web.Request) -> web.Response:
        order = await self._parse(request)
        action = cast(Action, request.path.strip("/"))
        asked_at = self.packages.ask_ahead(order.repo_url)  # on its way while the journal is written
        return _json(await self.operations.accept(order, action, asked_at), 202)

    async def _check(self, request: web.Request) -> web.Response:
        order = await self._parse(request)
        busy = self.instances.in_flight((order.type, order.name))
        if busy is not None:
            raise Refused(409, "busy", f"operation {busy.id} is in flight; no check runs beside it")
        live = self.instances.adopt(order)
        try:
            result = await self.checks.check(live)
        except FetchFailed as error:
            raise Refused(502, "not-fetched", str(error)) from error
        finally:
            self.checks.schedule(live)
        return _json(result)

    async def _operation(self, request: web.Request) -> web.Response:
        live, found = await self._find(request)
        return _json(_shown(live, found))

    async def _log(self, request: web.Request) -> web.Response:
        live, found = await self._find(request)
        offset = request.query.get("offset", "0")
        if not offset.isdecimal() or len(offset) > 18:
            raise Refused(400, "invalid", "offset: a number of bytes")
        journal, operation_id = self.instances.journal, request.match_info["id"]
        order = journal.kept_order(operation_id) or live.order
        path = journal.operation_folder(operation_id) / "output"
        return _json(output.read(path, order, int(offset), ended=isinstance(found, Outcome)))

    async def _cancel(self, request: web.Request) -> web.Response:
        live, found = await self._find(request)
        answer = _json(_shown(live, found), 202)
        await self.operations.cancel(request.match_info["id"])
        return answer

    async def _ping(self, _request: web.Request) -> web.Response:
        return _json({"message": "pong", "version": __version__, "features": self.features})

    async def _list(self, _request: web.Request) -> web.Response:
        return _json([_described(live) for live in self.instances])

    async def _metrics(self, _request: web.Request) -> web.Response:
        text = metrics.render(self.instances, self.operations, self.checks)
        return web.Response(text=text, content_type="text/plain", charset="utf-8")

    async def _find(self, request: web.Request) -> tuple[Live, Operation | Outcome]:
        operation_id = request.match_info["id"]
        with suppress(OSError):
            await self.instances.arrival(operation_id)
        found = self.instances.find_operation(operation_id)
        if found is None:
            raise Refused(404, "not-found", "no such operation here, or it is long past")
        return found


def _shown(live: Live, found: Operation | Outcome) -> object:
    if isinstance(found, Outcome):
        return found
    return {"type": live.order.type, "name": live.order.name, **msgspec.to_builtins(live.progress)}


def _described(live: Live) -> object:
    return {**msgspec.to_builtins(live.report()), "INSTANCE_DIR": str(live.folder)}


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Refused as error:
        return _error(error.status, error.code, error.message)
    except web.HTTPRequestEntityTooLarge:
        return _error(413, "too-large", f"the body is larger than {MAX_BODY // 1024} KiB")
    except web.HTTPException as error:
        return _error(
            error.status, error.reason.lower().replace(" ", "-"), f"{request.method} {request.path}: {error.reason}"
        )


def _error(status: int, code: str, message: str) -> web.Response:
    request_id = uuid.uuid4().hex
    error = {"code": code, "message": message, "details": [], "request_id": request_id}
    log.info("refused (%s): %s", status, message, extra={"request_id": request_id})
    return _json({"error": error}, status)


def _json(content: object, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(content), status=status, content_type="application/json")
