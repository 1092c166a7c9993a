"""What may be asked of the agent, and its answers: the same over HTTP and down a tunnel. No decision is taken here."""

import logging
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import cast, get_args

import msgspec
from yarl import URL

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

JSON, _TEXT = "application/json", "text/plain"
_ACTIONS: tuple[str, ...] = get_args(Action)
_METHODS = ("GET", "POST", "DELETE")


@dataclass(frozen=True, slots=True)
class Request:
    """One of somebody who may ask."""

    method: str
    url: URL
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    content_type: str = JSON


Handler = Callable[[Request], Awaitable[Answer]]


@dataclass(frozen=True)
class Api:
    """What requests speak to."""

    trust: Trust
    features: list[str]
    instances: Instances
    operations: Operations
    checks: Checks
    packages: Packages

    async def answer(self, request: Request) -> Answer:
        """The answer, also where it is a refusal."""
        try:
            return await self._handler(request)(request)
        except Refused as error:
            return refusal(error)

    def _handler(self, request: Request) -> Handler:
        parts = request.url.path.split("/")[1:]
        if handler := self._find(request.method, parts):
            return handler
        told = f"{request.method} {request.url.path}"
        if any(self._find(method, parts) for method in _METHODS):
            raise Refused(405, "method-not-allowed", f"{told}: Method Not Allowed")
        raise Refused(404, "not-found", f"{told}: Not Found")

    def _find(self, method: str, parts: list[str]) -> Handler | None:
        match method, *parts:
            case "GET", "ping":
                return self._ping
            case "GET", "instances":
                return self._list
            case "GET", "metrics":
                return self._metrics
            case "POST", "check":
                return self._check
            case "POST", action if action in _ACTIONS:
                return partial(self._order, cast(Action, action))
            case "GET", "operations", identifier:
                return partial(self._operation, identifier)
            case "GET", "operations", identifier, "log":
                return partial(self._log, identifier)
            case "DELETE", "operations", identifier:
                return partial(self._cancel, identifier)
        return None

    def _parse(self, request: Request) -> Order:
        order = orders.parse(request.body)
        order.host_ip = order.host_ip or self.trust.membership.address
        order.hosts = order.hosts or [order.host_ip]
        return order

    async def _order(self, action: Action, request: Request) -> Answer:
        order = self._parse(request)
        asked_at = self.packages.ask_ahead(order.repo_url)  # on its way while the journal is written
        return _json(await self.operations.accept(order, action, asked_at), 202)

    async def _check(self, request: Request) -> Answer:
        order = self._parse(request)
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

    async def _operation(self, identifier: str, _: Request) -> Answer:
        return _json(_shown(*await self._known(identifier)))

    async def _log(self, identifier: str, request: Request) -> Answer:
        live, found = await self._known(identifier)
        offset = request.url.query.get("offset", "0")
        if not offset.isdecimal() or len(offset) > 18:
            raise Refused(400, "invalid", "offset: a number of bytes")
        journal = self.instances.journal
        order = journal.kept_order(identifier) or live.order
        path = journal.operation_folder(identifier) / "output"
        return _json(output.read(path, order, int(offset), ended=isinstance(found, Outcome)))

    async def _cancel(self, identifier: str, _: Request) -> Answer:
        answer = _json(_shown(*await self._known(identifier)), 202)
        await self.operations.cancel(identifier)
        return answer

    async def _ping(self, _: Request) -> Answer:
        return _json({"message": "pong", "version": __version__, "features": self.features})

    async def _list(self, _: Request) -> Answer:
        return _json([_described(live) for live in self.instances])

    async def _metrics(self, _: Request) -> Answer:
        return Answer(200, metrics.render(self.instances, self.operations, self.checks).encode(), _TEXT)

    async def _known(self, identifier: str) -> tuple[Live, Operation | Outcome]:
        with suppress(OSError):
            await self.instances.arrival(identifier)
        found = self.instances.find_operation(identifier)
        if found is None:
            raise Refused(404, "not-found", "no such operation here, or it is long past")
        return found


def _shown(live: Live, found: Operation | Outcome) -> object:
    if isinstance(found, Outcome):
        return found
    return {"type": live.order.type, "name": live.order.name, **msgspec.to_builtins(live.progress)}


def _described(live: Live) -> object:
    return {**msgspec.to_builtins(live.report()), "INSTANCE_DIR": str(live.folder)}


def refusal(error: Refused) -> Answer:
    """The one shape of all refusals; a line in the log has its request_id."""
    request_id = uuid.uuid4().hex
    shown = {"code": error.code, "message": error.message, "details": [], "request_id": request_id}
    log.info("refused (%s): %s", error.status, error.message, extra={"request_id": request_id})
    return _json({"error": shown}, error.status)


def _json(content: object, status: int = 200) -> Answer:
    return Answer(status, msgspec.json.encode(content))
