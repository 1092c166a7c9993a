"""HTTP of databases and middleware: words in, words out; every decision is taken in `service`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import get_args

import msgspec
from aiohttp import web

from paas_agent.contract import Kind
from paas_controller.base.errors import Invalid
from paas_controller.base.principal import AGENTS, READERS, WRITERS, Principal
from paas_controller.software import answers, queries
from paas_controller.software.history import History, Page
from paas_controller.software.instances import Instance
from paas_controller.software.intake import Intake
from paas_controller.software.operations import Operations
from paas_controller.software.schemas import InstanceBody
from paas_controller.software.service import Software
from paas_controller.software.states import EXPECTATIONS, Expect
from paas_controller.software.views import Filter, Views, status
from paas_controller.web.answers import answer
from paas_controller.web.bodies import read_body
from paas_controller.web.queries import read_query
from paas_controller.web.routing import API, PRINCIPAL, Handler, Route, Said
from paas_controller.web.schemas import Told

_check = msgspec.json.Decoder(answers.CheckResult)
Change = Callable[[str, Principal], Awaitable[Instance]]
_WISHES = {
    "running": "Expect it to run: it is installed and started, and healed where it fails.",
    "stopped": "Expect it to be installed and stopped.",
    "not-installed": "Expect it not to be there: it is stopped and uninstalled.",
    "restart": "Restart it once; what is expected stays.",
    "hold": "Hands off: it is observed, and nothing is done until it is released.",
    "release": "End a hold.",
}


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
        said = partial(Said, path=queries.ByName)
        wishes: dict[str, Handler] = {expect: self.wish(expect) for expect in EXPECTATIONS}
        wishes |= {"restart": self.changing(self.restart), "hold": self.changing(self.hold)}
        wishes |= {"release": self.changing(self.release)}
        return [
            Route("PUT", f"{one}/check", self.check, AGENTS,  # first, because it is asked most
                  said("Take the result of a check script.", {202: answers.Named}, body=answers.CheckResult)),
            Route("POST", f"{base}/create", self.create, WRITERS,
                  Said(f"Create a {self.kind}.", {201: answers.Created}, body=InstanceBody, refusals=(409,))),
            Route("GET", base, self.list, READERS,
                  Said(f"Each {self.kind}, by name.", {200: answers.Instances}, query=queries.ListQuery)),
            Route("GET", f"{base}/status/changed/{{day}}", self.changed, READERS,
                  Said("What changed on a day.", {200: answers.Changed}, None, queries.DayQuery, queries.ByDay)),
            Route("GET", f"{one}/status", self.status, READERS,
                  said("What is expected, and what is there.", {200: answers.InstanceStatus})),
            Route("GET", one, self.record, READERS, said("The whole record, secrets masked.", {200: answers.Record})),
            Route("DELETE", one, self.delete, WRITERS,
                  said(f"Forget a {self.kind}.", {200: Told}, query=queries.DeleteQuery, refusals=(409,))),
            *(Route("PUT", f"{one}/{word}", handler, WRITERS,
                    said(_WISHES[word], {202: answers.InstanceStatus}, refusals=(409,) if word == "restart" else ()))
              for word, handler in wishes.items()),
            Route("GET", f"{one}/events", self.paged(self.history.events), READERS,
                  said("The story, newest first.", {200: answers.Events}, query=queries.PageQuery)),
            Route("GET", f"{one}/operations", self.paged(self.history.operations), READERS,
                  said("What ran, newest first.", {200: answers.OperationList}, query=queries.PageQuery)),
        ]  # fmt: skip

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
        asked = read_query(request, queries.ListQuery)
        wanted = Filter(asked.expect or "", asked.realtime or "", asked.host, asked.drift)
        items, following = self.views.page(self.kind, wanted, asked.cursor, asked.limit)
        return answer({"items": items, "next": following})

    async def record(self, request: web.Request) -> web.Response:
        return answer(await self.views.record(self.kind, request.match_info["name"]))

    async def status(self, request: web.Request) -> web.Response:
        return answer(self.views.status(self.kind, request.match_info["name"]))

    async def delete(self, request: web.Request) -> web.Response:
        name, asked = request.match_info["name"], read_query(request, queries.DeleteQuery)
        msg = await self.software.delete(
            self.kind, name, request[PRINCIPAL], uninstall=asked.uninstall, orphan=asked.orphan
        )
        return answer({"name": name, "msg": msg})

    async def changed(self, request: web.Request) -> web.Response:
        day, asked = request.match_info["day"], read_query(request, queries.DayQuery)
        return answer(await self.history.changed(self.kind, day, asked.cause or "", detail=asked.detail))

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
