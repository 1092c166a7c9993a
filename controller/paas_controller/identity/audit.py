"""Who asked for what, from where, and how it was answered: one row for every change that people ask for.

The row of a change goes into the commit of the change itself, that of a refusal is kept before the refusal is sent.
Who shows no valid token leaves a line in the log and no row here, because whoever has none could fill the disk; one row
an hour for each reason is kept of those who show a wrong one.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from aiohttp import web
from sqlalchemy import Connection

from paas_agent.contract import is_secret
from paas_controller.base.clock import Clock
from paas_controller.base.errors import Forbidden, PaasError, Retryable
from paas_controller.base.logs import request_id
from paas_controller.base.masking import MASK
from paas_controller.base.principal import Principal
from paas_controller.identity import audit_tables as tables
from paas_controller.store.company import Write, company
from paas_controller.store.store import Store
from paas_controller.web.faults import ours
from paas_controller.web.idempotency import REPLAYED
from paas_controller.web.routing import ABOUT, PRINCIPAL, Handler, Route

KEPT_DAYS = 400
_JOINING = Principal("a join token", "agent")
_LONGEST = 1000
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it was answered; `code` is empty where it was done."""

    status: int
    code: str
    sentence: str


class Audit:
    """Stands around the routes of changes, and is read by administrators."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def around(self, route: Route, handler: Handler) -> Handler:
        """The handler, and a row for whatever is asked of it. Retryable where the row cannot be kept."""
        done = Outcome(max(status for status in route.said.answers if status < 300), "", route.said.summary)

        async def witnessed(request: web.Request) -> web.StreamResponse:
            along = company.get()
            assert along is not None
            write = self._row(request, done)
            along.add(write)
            try:
                response = await handler(request)
            except Exception as error:
                refusal = ours(error, request)
                along.drop(write)
                await self._refused(request, refusal)
                raise refusal from None
            outcome = _outcome(response, done)
            if along.drop(write) or outcome != done:
                await self._keep_done(self._row(request, outcome))
            return response

        return witnessed

    async def _keep_done(self, row: Write) -> None:
        try:
            await self._store.write(row, alone=True)
        except Retryable as error:
            told = "this may have been done all the same, and the database cannot keep that it was"
            raise Retryable(f"{told}: look before you try again") from error

    def _row(self, request: web.Request, outcome: Outcome) -> Write:
        """Writes the row; who asks and what about is looked up when it is written."""
        identifier = request_id.get()

        def write(connection: Connection) -> None:
            who = request.get(PRINCIPAL, _JOINING)
            about = request.get(ABOUT) or request.match_info.get("name") or request.match_info.get("id", "")
            row = {"at": self._clock.time(), "who": who.name, "role": who.role, "tenant": who.tenant}
            row |= {"method": request.method, "path": _kept(_path(request)), "about": _kept(about)}
            row |= {"status": outcome.status, "code": outcome.code, "sentence": _kept(outcome.sentence)}
            tables.add(connection, row | {"peer": request.remote or "", "request_id": identifier})

        return write

    async def _refused(self, request: web.Request, refusal: PaasError) -> None:
        if PRINCIPAL not in request:
            _log.info("%s %s from %s refused: %s", request.method, request.path, request.remote, refusal.message)
            return
        outcome = Outcome(refusal.status, refusal.code, refusal.message)
        await self._store.write(self._row(request, outcome), alone=True)

    async def keep_refused(self, who: Principal, about: str, sentence: str, peer: str) -> None:
        """Keeps a row of somebody who was turned away before there was a change to speak of."""
        await self.keep(who, about, Outcome(Forbidden.status, Forbidden.code, sentence), peer)

    async def keep(self, who: Principal, about: str, outcome: Outcome, peer: str = "") -> None:
        """Keeps a row of what was done, or could not be, without a request."""
        row = {"at": self._clock.time(), "who": who.name, "role": who.role, "tenant": who.tenant, "about": about}
        row |= {"method": "", "path": "", "peer": peer, "request_id": ""}
        row |= {"status": outcome.status, "code": outcome.code, "sentence": _kept(outcome.sentence)}
        await self._store.write(lambda connection: tables.add(connection, row), alone=True)

    async def retain(self) -> None:
        """Drops what is older than KEPT_DAYS, once an hour, for ever."""
        while True:
            await self._store.write(partial(tables.drop, before=self._clock.time() - KEPT_DAYS * 86400))
            await asyncio.sleep(3600)

    async def page(self, **wanted: Any) -> Sequence[Any]:
        """Rows, newest first, as `tables.page` takes them."""
        return await self._store.read(partial(tables.page, **wanted))


def _outcome(response: web.StreamResponse, done: Outcome) -> Outcome:
    if REPLAYED in response.headers:
        return Outcome(response.status, "replayed", "asked once more with its Idempotency-Key; nothing was done")
    return Outcome(response.status, "", done.sentence)


def _path(request: web.Request) -> str:
    query = [f"{name}={MASK if is_secret(name) else value}" for name, value in request.query.items()]
    return request.path + ("?" + "&".join(query) if query else "")


def _kept(text: str) -> str:
    """As much of it as is kept, in characters that a database takes."""
    return text[:_LONGEST].encode(errors="replace").decode()
