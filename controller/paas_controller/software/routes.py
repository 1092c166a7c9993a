"""HTTP of databases and middleware: words in, words out; every decision is taken in `service`."""

from collections.abc import Awaitable, Callable
from typing import Any, get_args

import msgspec
from aiohttp import web

from paas_agent.contract import Kind
from paas_controller.base.errors import Invalid
from paas_controller.base.principal import AGENTS, READERS, WRITERS
from paas_controller.software.history import History, Page
from paas_controller.software.instances import Instance
from paas_controller.software.intake import Intake
from paas_controller.software.operations import Operations
from paas_controller.software.schemas import InstanceBody
from paas_controller.software.service import Software
from paas_controller.software.states import EXPECTATIONS, Expect
from paas_controller.software.views import Views
from paas_controller.software.views import status as status_of
from paas_controller.web.answers import answer
from paas_controller.web.bodies import read_body
from paas_controller.web.queries import flag, number
from paas_controller.web.routing import API, PRINCIPAL, Handler, Route


class _Check(msgspec.Struct):
    code: str
    msg: str = ""


_check = msgspec.json.Decoder(_Check)


def software_routes(
    software: Software, views: Views, intake: Intake, history: History, operations: Operations
) -> list[Route]:
    """The routes of both kinds, and of operations."""
    routes = [route for kind in get_args(Kind) for route in _kind_routes(kind, software, views, intake, history)]
    return routes + _operation_routes(history, operations)


def _kind_routes(kind: Kind, software: Software, views: Views, intake: Intake, history: History) -> list[Route]:
    base, one = f"{API}/{kind}", f"{API}/{kind}/{{name}}"

    async def check(request: web.Request) -> web.Response:
        try:
            result = _check.decode(await request.read())
        except (msgspec.DecodeError, RecursionError) as error:
            raise Invalid(f'a check result is {{"code": "0", "msg": "…"}}: {error}') from None
        host, name = request[PRINCIPAL].host, request.match_info["name"]
        await intake.check(host, kind, name, result.code, result.msg)
        return answer({"name": name}, 202)

    async def create(request: web.Request) -> web.Response:
        body = await read_body(request, InstanceBody)
        return answer(await views.echo(await software.create(kind, body, request[PRINCIPAL])), 201)

    async def listed(request: web.Request) -> web.Response:
        expect, realtime = request.query.get("expect", ""), request.query.get("realtime", "")
        limit, after = number(request, "limit", 100, 1000), request.query.get("cursor", "")
        items, following = views.page(kind, expect, realtime, after, limit)
        return answer({"items": items, "next": following})

    async def record(request: web.Request) -> web.Response:
        return answer(await views.record(kind, request.match_info["name"]))

    async def status(request: web.Request) -> web.Response:
        return answer(views.status(kind, request.match_info["name"]))

    def wish(expect: Expect) -> Handler:
        return changing(lambda name, by: software.wish(kind, name, expect, by))

    def changing(act: Callable[[str, Any], Awaitable[Instance]]) -> Handler:
        async def handler(request: web.Request) -> web.Response:
            instance = await act(request.match_info["name"], request[PRINCIPAL])
            return answer(status_of(instance), 202)

        return handler

    async def delete(request: web.Request) -> web.Response:
        name, how = (
            request.match_info["name"],
            {"uninstall": flag(request, "uninstall"), "orphan": flag(request, "orphan")},
        )
        msg = await software.delete(kind, name, request[PRINCIPAL], **how)
        return answer({"name": name, "msg": msg})

    async def changed(request: web.Request) -> web.Response:
        day, cause = request.match_info["day"], request.query.get("cause", "")
        return answer(await history.changed(kind, day, cause, detail=flag(request, "detail")))

    def paged(read: Callable[[Kind, str, int | None, int], Awaitable[Page]]) -> Handler:
        async def handler(request: web.Request) -> web.Response:
            limit, before = number(request, "limit", 100, 1000), number(request, "cursor", 0, 2**62) or None
            items, following = await read(kind, request.match_info["name"], before, limit)
            return answer({"items": items, "next": following})

        return handler

    wishes = [Route("PUT", f"{one}/{expect}", wish(expect), WRITERS) for expect in EXPECTATIONS]
    restart = changing(lambda name, by: software.restart(kind, name, by))
    hold = changing(lambda name, by: software.hold(kind, name, by, held=True))
    release = changing(lambda name, by: software.hold(kind, name, by, held=False))
    return [
        Route("PUT", f"{one}/check", check, AGENTS),  # first, because it is asked most
        Route("POST", f"{base}/create", create, WRITERS),
        Route("GET", base, listed, READERS),
        Route("GET", f"{base}/status/changed/{{day}}", changed, READERS),
        Route("GET", f"{one}/status", status, READERS),
        Route("GET", one, record, READERS),
        Route("DELETE", one, delete, WRITERS),
        *wishes,
        Route("PUT", f"{one}/restart", restart, WRITERS),
        Route("PUT", f"{one}/hold", hold, WRITERS),
        Route("PUT", f"{one}/release", release, WRITERS),
        Route("GET", f"{one}/events", paged(history.events), READERS),
        Route("GET", f"{one}/operations", paged(history.operations), READERS),
    ]


def _operation_routes(history: History, operations: Operations) -> list[Route]:
    one = f"{API}/operations/{{id}}"

    async def show(request: web.Request) -> web.Response:
        return answer(await history.operation(request.match_info["id"]))

    async def log(request: web.Request) -> web.Response:
        answer = await operations.log(request.match_info["id"], number(request, "offset", 0, 2**62))
        return web.Response(body=answer, content_type="application/json")

    return [Route("GET", one, show, READERS), Route("GET", f"{one}/log", log, READERS)]
