"""HTTP of databases and middleware: words in, words out; every decision is taken in `service`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import get_args

import msgspec
from aiohttp import web

from paas_agent.contract import Kind
from paas_controller.base.errors import Invalid
from paas_controller.base.principal import AGENTS, READERS, WRITERS, Principal
from paas_controller.software.history import History, Page
from paas_controller.software.instances import Instance
from paas_controller.software.intake import Intake
from paas_controller.software.operations import Operations
from paas_controller.software.schemas import InstanceBody
from paas_controller.software.service import Software
from paas_controller.software.states import EXPECTATIONS, REALTIMES, Expect
from paas_controller.software.views import Filter, Views, status
from paas_controller.web.answers import answer
from paas_controller.web.bodies import read_body
from paas_controller.web.queries import choice, flag, number
from paas_controller.web.routing import API, PRINCIPAL, Handler, Route


class _Check(msgspec.Struct):
    code: str
    msg: str = ""


_check = msgspec.json.Decoder(_Check)
Change = Callable[[str, Principal], Awaitable[Instance]]


def software_routes(
    software: Software, views: Views, intake: Intake, history: History, operations: Operations
) -> list[Route]:
    """The routes of both kinds, and of operations."""
    kinds: tuple[Kind, ...] = get_args(Kind)
    routes = [route for kind in kinds for route in _Instances(kind, software, views, intake, history).routes()]
    return routes + _operation_routes(history, operations)


@dataclass(frozen=True)
class _Instances:
    """The API of one kind."""

    kind: Kind
    software: Software
    views: Views
    intake: Intake
    history: History

    def routes(self) -> list[Route]:
        base, one = f"{API}/{self.kind}", f"{API}/{self.kind}/{{name}}"
        return [
            Route("PUT", f"{one}/check", self.check, AGENTS),  # first, because it is asked most
            Route("POST", f"{base}/create", self.create, WRITERS),
            Route("GET", base, self.list, READERS),
            Route("GET", f"{base}/status/changed/{{day}}", self.changed, READERS),
            Route("GET", f"{one}/status", self.status, READERS),
            Route("GET", one, self.record, READERS),
            Route("DELETE", one, self.delete, WRITERS),
            *(Route("PUT", f"{one}/{expect}", self.wish(expect), WRITERS) for expect in EXPECTATIONS),
            Route("PUT", f"{one}/restart", self.changing(self.restart), WRITERS),
            Route("PUT", f"{one}/hold", self.changing(self.hold), WRITERS),
            Route("PUT", f"{one}/release", self.changing(self.release), WRITERS),
            Route("GET", f"{one}/events", self.paged(self.history.events), READERS),
            Route("GET", f"{one}/operations", self.paged(self.history.operations), READERS),
        ]

    async def check(self, request: web.Request) -> web.Response:
        try:
            result = _check.decode(await request.read())
        except (msgspec.DecodeError, RecursionError) as error:
            raise Invalid(f'a check result is {{"code": "0", "msg": "…"}}: {error}') from None
        name = request.match_info["name"]
        await self.intake.check(request[PRINCIPAL].host, self.kind, name, result.code, result.msg)
        return answer({"name": name}, 202)

    async def create(self, request: web.Request) -> web.Response:
        body = await read_body(request, InstanceBody)
        created = await self.software.create(self.kind, body, request[PRINCIPAL])
        return answer(await self.views.echo(created), 201)

    async def list(self, request: web.Request) -> web.Response:
        expect, realtime = choice(request, "expect", EXPECTATIONS), choice(request, "realtime", REALTIMES)
        wanted = Filter(expect, realtime, request.query.get("host", ""), flag(request, "drift"))
        after, limit = request.query.get("cursor", ""), number(request, "limit", 100, 1000)
        items, following = self.views.page(self.kind, wanted, after, limit)
        return answer({"items": items, "next": following})

    async def record(self, request: web.Request) -> web.Response:
        return answer(await self.views.record(self.kind, request.match_info["name"]))

    async def status(self, request: web.Request) -> web.Response:
        return answer(self.views.status(self.kind, request.match_info["name"]))

    async def delete(self, request: web.Request) -> web.Response:
        name, uninstall, orphan = request.match_info["name"], flag(request, "uninstall"), flag(request, "orphan")
        msg = await self.software.delete(self.kind, name, request[PRINCIPAL], uninstall=uninstall, orphan=orphan)
        return answer({"name": name, "msg": msg})

    async def changed(self, request: web.Request) -> web.Response:
        day, cause, detail = request.match_info["day"], request.query.get("cause", ""), flag(request, "detail")
        return answer(await self.history.changed(self.kind, day, cause, detail=detail))

    def wish(self, expect: Expect) -> Handler:
        return self.changing(lambda name, by: self.software.wish(self.kind, name, expect, by))

    async def restart(self, name: str, by: Principal) -> Instance:
        return await self.software.restart(self.kind, name, by)

    async def hold(self, name: str, by: Principal) -> Instance:
        return await self.software.hold(self.kind, name, by, held=True)

    async def release(self, name: str, by: Principal) -> Instance:
        return await self.software.hold(self.kind, name, by, held=False)

    def changing(self, change: Change) -> Handler:
        """A handler that changes an instance and answers with its status."""

        async def handler(request: web.Request) -> web.Response:
            return answer(status(await change(request.match_info["name"], request[PRINCIPAL])), 202)

        return handler

    def paged(self, read: Callable[[Kind, str, int | None, int], Awaitable[Page]]) -> Handler:
        """A handler that answers with a page, newest first."""

        async def handler(request: web.Request) -> web.Response:
            limit, before = number(request, "limit", 100, 1000), number(request, "cursor", 0, 2**62) or None
            items, following = await read(self.kind, request.match_info["name"], before, limit)
            return answer({"items": items, "next": following})

        return handler


def _operation_routes(history: History, operations: Operations) -> list[Route]:
    one = f"{API}/operations/{{id}}"

    async def show(request: web.Request) -> web.Response:
        return answer(await history.operation(request.match_info["id"]))

    async def log(request: web.Request) -> web.Response:
        printed = await operations.log(request.match_info["id"], number(request, "offset", 0, 2**62))
        return web.Response(body=printed, content_type="application/json")

    return [Route("GET", one, show, READERS), Route("GET", f"{one}/log", log, READERS)]
