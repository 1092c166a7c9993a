"""HTTP of apps: words in, words out; every decision is taken in `service`."""

from dataclasses import dataclass
from functools import partial

from aiohttp import web

from paas_controller.base.principal import ADMINISTRATORS, READERS
from paas_controller.caas import answers, queries
from paas_controller.caas.app import App, AppKind
from paas_controller.caas.instance_routes import Instances
from paas_controller.caas.reading import Reading
from paas_controller.caas.schemas import AppBody, KubeAppChange
from paas_controller.caas.service import Caas
from paas_controller.caas.views import page
from paas_controller.web.answers import answer, would
from paas_controller.web.bodies import read_body
from paas_controller.web.queries import DryRun, read_query
from paas_controller.web.routing import ABOUT, API1, PRINCIPAL, Route, Said


def caas_routes(caas: Caas, reading: Reading) -> list[Route]:
    """Apps, CaaS apps, and the instances of both."""
    routes: list[Route] = []
    kinds: tuple[tuple[AppKind, str], ...] = (("app", "apps"), ("caas", "caas_apps"))
    for kind, word in kinds:
        base = f"{API1}/{word}"
        routes += _Apps(kind, base, caas).routes() + Instances(kind, base, caas, reading).routes()
    return routes


@dataclass(frozen=True)
class _Apps:
    """The apps of one kind."""

    kind: AppKind
    base: str
    caas: Caas

    def routes(self) -> list[Route]:
        one, kind = f"{self.base}/{{app}}", "a CaaS app" if self.kind == "caas" else "an app"
        said = partial(Said, path=queries.ByApp)
        return [
            Route("POST", self.base, self.create, ADMINISTRATORS,
                  Said(f"Create {kind}: a namespace with a pool of memory.",
                       {200: answers.AppOrRehearsed, 201: answers.AppOrRehearsed}, body=AppBody, query=DryRun,
                       refusals=(409, 422)), self.created),
            Route("GET", self.base, self.list, READERS,
                  Said(f"List {kind[2:].strip()}s, by name.", {200: answers.AppList}, query=queries.PageQuery),
                  tenants=True),
            Route("GET", one, self.show, READERS, said(f"Show {kind}.", {200: answers.KubeAppShown}), tenants=True),
            Route("PATCH", one, self.change, ADMINISTRATORS,
                  said(f"Change {kind}: its pool is never made smaller than what runs.",
                       {200: answers.AppOrRehearsed}, body=KubeAppChange, query=DryRun, refusals=(409, 422))),
            Route("DELETE", one, self.delete, ADMINISTRATORS,
                  said(f"Delete {kind} with all that is in it.",
                       {200: answers.GoingOrRehearsed, 202: answers.GoingOrRehearsed}, query=queries.DeleteQuery,
                       refusals=(409,))),
            Route("GET", f"{one}/usage", self.usage, READERS,
                  said("Show who takes what of its pool, and its ports.", {200: answers.Usage}), tenants=True),
        ]  # fmt: skip

    def _app(self, request: web.Request) -> App:
        request[ABOUT] = name = request.match_info["app"]
        return self.caas.apps.find(self.kind, name, request[PRINCIPAL])

    async def create(self, request: web.Request) -> web.Response:
        body, dry_run = await read_body(request, AppBody), read_query(request, DryRun).dry_run
        request[ABOUT] = body.name
        app = await self.caas.create(self.kind, body, dry_run=dry_run)
        if dry_run:
            return would("create a namespace", why=f"{app.namespace} with {app.memory_units} units in {app.cluster}")
        return answer(self.caas.views.app(app), 201)

    async def created(self, request: web.Request) -> web.Response:
        """What creating answers, for the one who asked for it."""
        app = self.caas.apps.find(self.kind, (await read_body(request, AppBody)).name, request[PRINCIPAL])
        return answer(self.caas.views.app(app), 201)

    async def list(self, request: web.Request) -> web.Response:
        asked = read_query(request, queries.PageQuery)
        there = self.caas.apps.after(self.kind, asked.cursor, request[PRINCIPAL].tenant)
        found, following = page(there, asked.limit)
        return answer({"items": [self.caas.views.app(app) for app in found], "next": following})

    async def show(self, request: web.Request) -> web.Response:
        return answer(self.caas.views.app(self._app(request)))

    async def change(self, request: web.Request) -> web.Response:
        body, dry_run = await read_body(request, KubeAppChange), read_query(request, DryRun).dry_run
        app = await self.caas.change(self._app(request), body, dry_run=dry_run)
        if dry_run:
            return would("change an app", why=f"{app.name}: {body.model_dump_json(exclude_none=True)}")
        return answer(self.caas.views.app(app))

    async def delete(self, request: web.Request) -> web.Response:
        app, asked = self._app(request), read_query(request, queries.DeleteQuery)
        if asked.dry_run:
            what = "forget" if asked.orphan else "delete"
            return would(f"{what} a namespace", why=f"{app.namespace} with {len(app.instances)} instances")
        gone = await self.caas.delete(app, orphan=asked.orphan)
        why = self.caas.settling.why.get(app.namespace, "it is being emptied")
        return answer({"name": app.name, "msg": "gone" if gone else why}, 200 if gone else 202)

    async def usage(self, request: web.Request) -> web.Response:
        return answer(self.caas.views.usage(self._app(request)))
