"""HTTP of changes: each is made in earnest, or with `?dry_run=true` rehearsed by the same code."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from aiohttp import web

from paas_agent.contract import Kind
from paas_controller.base.principal import WRITERS, Principal
from paas_controller.software import answers, queries
from paas_controller.software.history import History
from paas_controller.software.instances import Instance
from paas_controller.software.rehearsal import Step
from paas_controller.software.schemas import ChangeBody, InstanceBody
from paas_controller.software.service import Software
from paas_controller.software.states import EXPECTATIONS
from paas_controller.software.views import Views, status
from paas_controller.web.answers import answer, rehearsed, would
from paas_controller.web.bodies import read_body
from paas_controller.web.etags import etag_of, require_match, tagged
from paas_controller.web.queries import DryRun, read_query
from paas_controller.web.routing import ABOUT, API, PRINCIPAL, Handler, Route, Said
from paas_controller.web.schemas import Rehearsed, ToldOrRehearsed

Change = Callable[[Software, str, Principal], Awaitable[Instance]]
_WISHES = {
    "running": "Expect it to run: it is installed and started, and healed where it fails.",
    "stopped": "Expect it to be installed and stopped.",
    "not-installed": "Expect it not to be there: it is stopped and uninstalled.",
    "restart": "Restart it once; what is expected stays.",
    "hold": "Hands off: it is observed, and nothing is done until it is released.",
    "release": "End a hold.",
}
_AT_ONCE = 10
"""Steps that are rehearsed before others get their turn."""


@dataclass(frozen=True)
class Acting:
    """The service in earnest and in rehearsal; `rehearse` says what follows from an instance."""

    software: Software
    rehearsal: Software
    rehearse: Callable[[Instance], Iterator[Step]]

    def by(self, *, dry_run: bool) -> Software:
        return self.rehearsal if dry_run else self.software

    async def rehearsed(self, after: Instance | None, *last: Step) -> web.Response:
        """What would be done, and what would be expected then."""
        steps = list[Step]()
        for step in self.rehearse(after) if after else ():
            steps.append(step)
            if len(steps) % _AT_ONCE == 0:
                await asyncio.sleep(0)
        return rehearsed([*steps, *last], status(after)["status"] if after else None)


@dataclass(frozen=True)
class Writes:
    """The changes of one kind."""

    kind: Kind
    acting: Acting
    views: Views

    def routes(self) -> list[Route]:
        base, one = f"{API}/{self.kind}", f"{API}/{self.kind}/{{name}}"
        said, dry = partial(Said, path=queries.ByName), {200: Rehearsed}
        return [
            Route("POST", f"{base}/create", self.create, WRITERS,
                  Said(f"Create a {self.kind}.", dry | {201: answers.Created}, body=InstanceBody,
                       query=DryRun, refusals=(409, 422)), self.created),
            Route("PUT", one, self.respec, WRITERS,
                  said("Change the spec; it counts from the next action on, or at once by apply.",
                       {200: answers.RecordOrRehearsed}, body=ChangeBody, query=queries.ChangeQuery,
                       refusals=(409, 422), takes=("If-Match",), gives=("ETag",)), self.record),
            Route("DELETE", one, self.delete, WRITERS,
                  said(f"Forget a {self.kind}.", {200: ToldOrRehearsed}, query=queries.DeleteQuery,
                       refusals=(409,), takes=("If-Match",))),
            *(Route("PUT", f"{one}/{word}", handler, WRITERS,
                    said(_WISHES[word], dry | {202: answers.InstanceStatus}, query=DryRun, refusals=(409,),
                         takes=("If-Match",)), self.status)
              for word, handler in self._wishes().items()),
        ]  # fmt: skip

    def _wishes(self) -> dict[str, Handler]:
        kind = self.kind

        def wish(expect: Any) -> Change:
            return lambda software, name, by: software.wish(kind, name, expect, by)

        changes: dict[str, Change] = {expect: wish(expect) for expect in EXPECTATIONS}
        changes["restart"] = lambda software, name, by: software.restart(kind, name, by)
        changes["hold"] = lambda software, name, by: software.hold(kind, name, by, held=True)
        changes["release"] = lambda software, name, by: software.hold(kind, name, by, held=False)
        return {word: self._changing(change) for word, change in changes.items()}

    def _changing(self, change: Change) -> Handler:
        """A handler that changes an instance and answers with its status."""

        async def handler(request: web.Request) -> web.Response:
            dry = read_query(request, DryRun).dry_run
            self._require_match(request)
            after = await change(self.acting.by(dry_run=dry), request.match_info["name"], request[PRINCIPAL])
            return await self.acting.rehearsed(after) if dry else answer(status(after), 202)

        return handler

    def _require_match(self, request: web.Request) -> None:
        """Conflict where If-Match says that this is meant for a record that has changed since."""
        if "If-Match" in request.headers:
            require_match(request, etag_of(self.views.instance(self.kind, request.match_info["name"])))

    async def create(self, request: web.Request) -> web.Response:
        asked, body = read_query(request, DryRun), await read_body(request, InstanceBody)
        request[ABOUT] = body.name
        created = await self.acting.by(dry_run=asked.dry_run).create(self.kind, body, request[PRINCIPAL])
        if asked.dry_run:
            return await self.acting.rehearsed(created)
        return tagged(request, self.views.echo(created, body), etag_of(created), 201)

    async def created(self, request: web.Request) -> web.Response:
        """What creating answers, for the one who asked for it."""
        body = await read_body(request, InstanceBody)
        instance = await self.views.made_of(self.kind, body)
        return tagged(request, self.views.echo(instance, body), etag_of(instance), 201)

    async def record(self, request: web.Request) -> web.Response:
        instance = self.views.instance(self.kind, request.match_info["name"])
        return tagged(request, await self.views.record(self.kind, instance.name), etag_of(instance))

    async def status(self, request: web.Request) -> web.Response:
        return answer(self.views.status(self.kind, request.match_info["name"]), 202)

    async def respec(self, request: web.Request) -> web.Response:
        asked, body = read_query(request, queries.ChangeQuery), await read_body(request, ChangeBody)
        name, software = request.match_info["name"], self.acting.by(dry_run=asked.dry_run)
        after = await software.respec(
            self.kind, name, body, request[PRINCIPAL], apply=asked.apply or "", removed=asked.removed or "",
            guard=lambda instance: require_match(request, etag_of(instance)),
        )  # fmt: skip
        if asked.dry_run:
            return await self.acting.rehearsed(after)
        return tagged(request, await self.views.record(self.kind, name), etag_of(after))

    async def delete(self, request: web.Request) -> web.Response:
        name, asked = request.match_info["name"], read_query(request, queries.DeleteQuery)
        self._require_match(request)
        deleted = await self.acting.by(dry_run=asked.dry_run).delete(
            self.kind, name, request[PRINCIPAL], uninstall=asked.uninstall, orphan=asked.orphan
        )
        if asked.dry_run:
            forget = [{"host": "", "action": "forget", "why": deleted.msg}] if deleted.found else []
            return await self.acting.rehearsed(deleted.left, *forget)
        return answer({"name": name, "msg": deleted.msg})


def cancel_route(acting: Acting, history: History) -> Route:
    """Cancelling one operation, of either kind."""

    async def cancel(request: web.Request) -> web.Response:
        dry, identifier = read_query(request, DryRun).dry_run, request.match_info["id"]
        operation = await history.in_flight(identifier)
        await acting.by(dry_run=dry).cancel(operation, request[PRINCIPAL])
        if dry:
            return would("cancel", operation.host, f"the {operation.action} under way")
        return answer(await history.operation(identifier), 202)

    return Route(
        "DELETE", f"{API}/operations/{{id}}", cancel, WRITERS,
        Said("Cancel an operation: its agent ends the script.", {200: Rehearsed, 202: answers.OperationShown},
             query=DryRun, path=queries.ByOperation, refusals=(409,)),
    )  # fmt: skip
