"""HTTP of the instances of apps, of both kinds."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from functools import partial
from typing import get_args

from aiohttp import web
from pydantic import BaseModel

from paas_controller.base.errors import PaasError
from paas_controller.base.logs import request_id
from paas_controller.base.principal import READERS, WRITERS
from paas_controller.caas import answers, queries
from paas_controller.caas.app import App, AppInstance, AppKind
from paas_controller.caas.reading import Reading
from paas_controller.caas.schemas import AppInstanceBody, CaasInstanceBody
from paas_controller.caas.service import Caas
from paas_controller.caas.views import page
from paas_controller.caas.wishing import Word
from paas_controller.web.answers import answer, rehearsed, would
from paas_controller.web.bodies import read_body
from paas_controller.web.queries import DryRun, read_query
from paas_controller.web.routing import ABOUT, PRINCIPAL, REQUEST_ID, Handler, Route, Said
from paas_controller.web.schemas import Rehearsed

_PATIENCE = 30.0
"""Seconds until one who does not take a log is let go."""
_WISHES: dict[Word, str] = {
    "running": "Start it: what fits into the pool runs, the rest waits for memory.",
    "stopped": "Stop it: no pods, and the number of replicas is remembered.",
    "restart": "Restart it: its pods are replaced by new ones.",
}


@dataclass(frozen=True)
class Instances:
    """The instances of apps of one kind."""

    kind: AppKind
    base: str
    caas: Caas
    reading: Reading

    def routes(self) -> list[Route]:
        base, one = f"{self.base}/{{app}}/instances", f"{self.base}/{{app}}/instances/{{name}}"
        shown = answers.AppInstanceOrRehearsed
        of, open_to = partial(Said, path=queries.ByInstance), partial(Route, tenants=True)
        return [
            open_to("POST", base, self.create, WRITERS,
                    Said("Create an instance; what finds no memory waits.", {200: shown, 201: shown}, body=self._body,
                         query=queries.CreateQuery, path=queries.ByApp, refusals=(403, 409, 422)), self.created),
            open_to("GET", base, self.list, READERS,
                    Said("List instances, by name.", {200: answers.AppInstanceList}, query=queries.PageQuery,
                         path=queries.ByApp)),
            open_to("GET", one, self.show, READERS,
                    of("Show an instance: how each component is, and why.", {200: answers.AppInstanceShown})),
            open_to("DELETE", one, self.delete, WRITERS,
                    of("Delete an instance.", {200: answers.GoingOrRehearsed, 202: answers.GoingOrRehearsed},
                       query=DryRun, refusals=(409,))),
            open_to("GET", f"{one}/pods", self.pods, READERS, of("List its pods.", {200: answers.PodList})),
            open_to("GET", f"{one}/logs", self.logs, READERS,
                    of("Read a log.", {200: "text/plain"}, query=queries.LogsQuery, refusals=(409, 422))),
            open_to("GET", f"{one}/events", self.events, READERS,
                    of("List what the cluster says happened to it.", {200: answers.HappeningList}, refusals=(422,))),
            *self._wishes(one),
        ]  # fmt: skip

    def _wishes(self, one: str) -> list[Route]:
        routes = []
        for word in get_args(Word):
            shown: dict[int, type[BaseModel] | None] = {200: Rehearsed, 202: answers.AppInstanceShown}
            said = partial(Said, _WISHES[word], shown, query=DryRun, refusals=(409,))
            routes.append(Route("PUT", f"{one}/{word}", self._wish(word), WRITERS, said(path=queries.ByInstance),
                                tenants=True))  # fmt: skip
            if self.kind == "app":
                path = f"{one}/components/{{component}}/{word}"
                routes.append(
                    Route("PUT", path, self._wish(word), WRITERS, said(path=queries.ByComponent), tenants=True)
                )
        return routes

    @property
    def _body(self) -> type[AppInstanceBody] | type[CaasInstanceBody]:
        return CaasInstanceBody if self.kind == "caas" else AppInstanceBody

    def _app(self, request: web.Request) -> App:
        return self.caas.apps.find(self.kind, request.match_info["app"], request[PRINCIPAL])

    def _instance(self, request: web.Request) -> tuple[App, AppInstance]:
        name = request.match_info["name"]
        request[ABOUT] = f"{request.match_info['app']}/{name}"
        app = self._app(request)
        return app, self.caas.apps.instance(app, name)

    async def create(self, request: web.Request) -> web.Response:
        asked, body = read_query(request, queries.CreateQuery), await read_body(request, self._body)
        request[ABOUT] = f"{request.match_info['app']}/{body.name}"
        app, terms = self._app(request), {"strict": asked.strict, "dry_run": asked.dry_run}
        if isinstance(body, CaasInstanceBody):
            made = await self.caas.create_container(app, body, **terms)
        else:
            made = await self.caas.create_instance(app, body, **terms)
        if isinstance(made, AppInstance):
            return answer(self.caas.views.instance(app, made), 201)
        return rehearsed([{"host": "", "action": "create", "why": step} for step in made])

    async def created(self, request: web.Request) -> web.Response:
        """What creating answers, for the one who asked for it."""
        app = self._app(request)
        name = (await read_body(request, self._body)).name
        return answer(self.caas.views.instance(app, self.caas.apps.instance(app, name)), 201)

    async def list(self, request: web.Request) -> web.Response:
        app, asked = self._app(request), read_query(request, queries.PageQuery)
        there = sorted(name for name in app.instances if name > asked.cursor)
        found, following = page((app.instances[name] for name in there), asked.limit)
        return answer({"items": self.caas.views.instances(app, found), "next": following})

    async def show(self, request: web.Request) -> web.Response:
        return answer(self.caas.views.instance(*self._instance(request)))

    async def delete(self, request: web.Request) -> web.Response:
        app, instance = self._instance(request)
        if read_query(request, DryRun).dry_run:
            return would("delete", why=f"{app.name}/{instance.name} and all that has its label")
        gone = await self.caas.delete_instance(app, instance)
        why = self.caas.settling.why.get(instance.id, "it is being deleted")
        return answer({"name": instance.name, "msg": "gone" if gone else why}, 200 if gone else 202)

    def _wish(self, word: Word) -> Handler:
        async def wish(request: web.Request) -> web.Response:
            app, instance = self._instance(request)
            component, dry_run = request.match_info.get("component", ""), read_query(request, DryRun).dry_run
            found = await self.caas.wishing.wish(app, instance, word, component, dry_run=dry_run)
            if dry_run:
                return rehearsed([{"host": "", "action": word, "why": name} for name in found])
            return answer(self.caas.views.instance(app, instance), 202)

        return wish

    async def pods(self, request: web.Request) -> web.Response:
        return answer({"items": self.caas.views.pods(*self._instance(request)), "next": None})

    async def events(self, request: web.Request) -> web.Response:
        return answer({"items": await self.reading.happenings(*self._instance(request)), "next": None})

    async def logs(self, request: web.Request) -> web.StreamResponse:
        asked, (app, instance) = read_query(request, queries.LogsQuery), self._instance(request)
        pod = self.reading.pod(app, instance, asked.component, asked.pod)
        if not asked.follow:
            return web.Response(text=await self.reading.log(app, pod, asked.tail, asked.container))
        with self.reading.follower(app, request[PRINCIPAL].tenant):
            # What is wrong is said before a stream begins.
            await self.reading.log(app, pod, min(asked.tail, 1), asked.container)
            lines = self.reading.follow(app, pod, asked.tail, asked.container)
            return await _streamed(request, lines)


async def _streamed(request: web.Request, following: AsyncGenerator[str, None]) -> web.StreamResponse:
    """The answer is a stream, however it ends."""
    response = web.StreamResponse(headers={"Content-Type": "text/plain; charset=utf-8"})
    response.headers[REQUEST_ID] = request_id.get()
    await response.prepare(request)
    async with aclosing(following) as lines:
        try:
            async for line in lines:
                await _told(response, line)
        except (ConnectionError, TimeoutError):
            return response  # whoever listened has gone
        except PaasError as error:
            with suppress(ConnectionError, TimeoutError):
                await _told(response, f"the log breaks off: {error.message}")
    return response


async def _told(response: web.StreamResponse, line: str) -> None:
    async with asyncio.timeout(_PATIENCE):
        await response.write(f"{line}\n".encode())
