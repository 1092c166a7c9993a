"""HTTP of databases and middleware: words in, words out; every decision is taken in `service`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import get_args

import msgspec
from aiohttp import web

from paas_agent.contract import Kind
from paas_controller.base.errors import Invalid
from paas_controller.base.principal import AGENTS, READERS
from paas_controller.software import answers, queries
from paas_controller.software.history import History, Page
from paas_controller.software.intake import Intake
from paas_controller.software.operations import Operations
from paas_controller.software.views import Filter, Views
from paas_controller.software.writes import Acting, Writes, cancel_route
from paas_controller.web.answers import answer
from paas_controller.web.bodies import parse
from paas_controller.web.etags import etag_of, tagged
from paas_controller.web.queries import read_query
from paas_controller.web.routing import API, PRINCIPAL, Handler, Route, Said

_check = msgspec.json.Decoder(answers.CheckResult)


def _result(body: bytes) -> answers.CheckResult:
    try:
        return _check.decode(body)
    except msgspec.DecodeError:  # it may hold comments; and what is no JSON is told by line and column
        return msgspec.convert(parse(body), answers.CheckResult)


def software_routes(
    acting: Acting, views: Views, intake: Intake, history: History, operations: Operations
) -> list[Route]:
    """The routes of both kinds, and of operations."""
    routes: list[Route] = []
    for kind in get_args(Kind):
        routes += _Reads(kind, views, intake, history).routes() + Writes(kind, acting, views).routes()
    return [*routes, *_operation_routes(history, operations), cancel_route(acting, history)]


@dataclass(frozen=True)
class _Reads:
    """What is read of one kind, and the results of checks."""

    kind: Kind
    views: Views
    intake: Intake
    history: History

    def routes(self) -> list[Route]:
        base, one = f"{API}/{self.kind}", f"{API}/{self.kind}/{{name}}"
        said = partial(Said, path=queries.ByName)
        return [
            Route("PUT", f"{one}/check", self.check, AGENTS,  # first, because it is asked most
                  said("Take the result of a check script.", {202: answers.Named}, body=answers.CheckResult)),
            Route("GET", base, self.list, READERS,
                  Said(f"Each {self.kind}, by name.", {200: answers.Instances}, query=queries.ListQuery)),
            Route("GET", f"{base}/status/changed/{{day}}", self.changed, READERS,
                  Said("What changed on a day.", {200: answers.Changed}, None, queries.DayQuery, queries.ByDay)),
            Route("GET", f"{one}/status", self.status, READERS,
                  said("What is expected, and what is there.", {200: answers.InstanceStatus})),
            Route("GET", one, self.record, READERS,
                  said("The whole record, secrets masked.", {200: answers.Record, 304: None},
                       takes=("If-None-Match",), gives=("ETag",))),
            Route("GET", f"{one}/events", self.paged(self.history.events), READERS,
                  said("The story, newest first.", {200: answers.Events}, query=queries.PageQuery)),
            Route("GET", f"{one}/operations", self.paged(self.history.operations), READERS,
                  said("What ran, newest first.", {200: answers.OperationList}, query=queries.PageQuery)),
        ]  # fmt: skip

    async def check(self, request: web.Request) -> web.Response:
        try:
            result = _result(await request.read())
        except (msgspec.DecodeError, RecursionError) as error:
            raise Invalid(f'a check result is {{"code": "0", "msg": "…"}}: {error}') from None
        name = request.match_info["name"]
        await self.intake.check(request[PRINCIPAL].host, self.kind, name, result.code, result.msg)
        return answer({"name": name}, 202)

    async def list(self, request: web.Request) -> web.Response:
        asked = read_query(request, queries.ListQuery)
        labels = frozenset(asked.labels)
        wanted = Filter(asked.expect or "", asked.realtime or "", asked.host, asked.drift, labels)
        items, following = self.views.page(self.kind, wanted, asked.cursor, asked.limit)
        return answer({"items": items, "next": following})

    async def record(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        tag = etag_of(self.views.instance(self.kind, name))
        return tagged(request, await self.views.record(self.kind, name), tag)

    async def status(self, request: web.Request) -> web.Response:
        return answer(self.views.status(self.kind, request.match_info["name"]))

    async def changed(self, request: web.Request) -> web.Response:
        day, asked = request.match_info["day"], read_query(request, queries.DayQuery)
        return answer(await self.history.changed(self.kind, day, asked.cause or "", detail=asked.detail))

    def paged(self, read: Callable[[Kind, str, int | None, int], Awaitable[Page]]) -> Handler:
        """A handler that answers with a page, newest first."""

        async def handler(request: web.Request) -> web.Response:
            asked = read_query(request, queries.PageQuery)
            items, following = await read(self.kind, request.match_info["name"], asked.cursor, asked.limit)
            return answer({"items": items, "next": following})

        return handler


def _operation_routes(history: History, operations: Operations) -> list[Route]:
    one = f"{API}/operations/{{id}}"

    async def show(request: web.Request) -> web.Response:
        return answer(await history.operation(request.match_info["id"]))

    async def log(request: web.Request) -> web.Response:
        printed = await operations.log(request.match_info["id"], read_query(request, queries.LogQuery).offset)
        return web.Response(body=printed, content_type="application/json")

    said = partial(Said, path=queries.ByOperation)
    return [
        Route("GET", one, show, READERS, said("One run of one action.", {200: answers.OperationShown})),
        Route("GET", f"{one}/log", log, READERS,
              said("What it printed.", {200: answers.LogPiece}, query=queries.LogQuery)),
    ]  # fmt: skip
