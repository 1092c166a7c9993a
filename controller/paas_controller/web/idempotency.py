"""Once only: the same Idempotency-Key within a day gets the first answer, and nothing is done again.

The key goes into the commit of the change itself, so that it is known wherever the change is; the answer is kept right
after, before it is sent. Where the controller is killed between the two, nobody has got the answer: the next one who
asks by this key has it made anew by the route's `again`, and the change is not made a second time. What an answer
repeats of the request is left out of what is kept, since whoever asks again sends it again.
"""

import asyncio
import hashlib
import re
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
from aiohttp import web
from sqlalchemy import Connection

from paas_controller.base.clock import Clock
from paas_controller.base.crypto import Vault
from paas_controller.base.errors import Conflict, Invalid, Refused, Retryable
from paas_controller.base.logs import request_id
from paas_controller.base.principal import Principal
from paas_controller.store.company import company
from paas_controller.store.store import Store
from paas_controller.web import tables
from paas_controller.web.bodies import parse
from paas_controller.web.echo import with_sent, without_sent
from paas_controller.web.faults import error_response, ours
from paas_controller.web.routing import ABOUT, PRINCIPAL, Handler, Route

KEY, REPLAYED = "Idempotency-Key", "Idempotency-Replayed"
KEPT = 86400.0
"""Seconds."""
_VISIBLE = re.compile(r"[\x21-\x7e]{1,255}")
_HEADERS = ("Content-Type", "ETag")


class Answer(msgspec.Struct):
    """What was answered."""

    status: int
    headers: dict[str, str]
    body: str


class Once(msgspec.Struct):
    """What was asked, as a hash, and what about; no answer: the change was committed and its answer lost."""

    asked: str
    about: str
    answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with a key."""

    request: web.Request
    caller: str
    key: str
    hash: str


class Idempotency:
    """Stands around the handlers of the routes that take a key."""

    def __init__(self, store: Store, vault: Vault, clock: Clock) -> None:
        self._store, self._vault, self._clock = store, vault, clock
        self._under_way: set[tuple[str, str]] = set()

    def around(self, route: Route, handler: Handler) -> Handler:
        """The handler, asked once for each key. Invalid, Conflict, Refused say what is wrong with a key."""
        if not route.keyed:
            return handler

        async def once(request: web.Request) -> web.StreamResponse:
            key, caller = request.headers.get(KEY), _caller(request[PRINCIPAL])
            if key is None:
                return await handler(request)
            if not _VISIBLE.fullmatch(key):
                raise Invalid(f"{KEY} is 1 to 255 visible ASCII characters")
            if (caller, key) in self._under_way:
                raise Conflict(f"a request with this {KEY} is still under way; wait for its answer, then ask again")
            self._under_way.add((caller, key))
            try:
                return await self._once(Asked(request, caller, key, await _hash(request)), handler, route.again)
            finally:
                self._under_way.discard((caller, key))

        return once

    async def _once(self, asked: Asked, handler: Handler, again: Handler | None) -> web.Response:
        known = await self._known(asked)
        if known is None:
            return await self._answered(asked, handler)
        asked.request[ABOUT] = known.about
        if known.asked != asked.hash:
            raise Refused(f"this {KEY} was used for another request; take a new key for each thing that you ask for")
        if known.answer is None and again is None:
            return await self._answered(asked, handler)
        if known.answer:
            response = _again(known.answer, await _sent(asked.request))
        else:
            response = await self._answered(asked, again or handler)
        response.headers[REPLAYED] = "true"
        return response

    async def _answered(self, asked: Asked, handler: Handler) -> web.Response:
        """Has it done, and keeps the answer before it is sent. What may be tried again is no answer."""
        along, done = company.get(), partial(self._keep, asked, None)
        assert along is not None
        along.add(done)
        try:
            response = await handler(asked.request)
        except Exception as error:
            refusal = ours(error, asked.request)
            if refusal.status < 500 and refusal.status != 429:
                await self._keep_answer(asked, error_response(refusal, request_id.get()))
            raise refusal from None
        finally:
            along.drop(done)
        assert isinstance(response, web.Response)
        try:
            await self._keep_answer(asked, response)
        except Retryable as error:
            told = f"it was done, and its answer could not be kept; ask again with the same {KEY}"
            raise Retryable(told, error.after) from None
        return response

    async def _keep_answer(self, asked: Asked, response: web.Response) -> None:
        assert isinstance(response.body, bytes)
        headers = {name: response.headers[name] for name in _HEADERS if name in response.headers}
        kept = msgspec.json.encode(without_sent(msgspec.json.decode(response.body), await _sent(asked.request)))
        answer = Answer(response.status, headers, kept.decode())
        await self._store.write(partial(self._keep, asked, answer), alone=True)

    def _keep(self, asked: Asked, answer: Answer | None, connection: Connection) -> None:
        once = Once(asked.hash, asked.request.get(ABOUT, ""), answer)
        sealed = self._vault.seal(msgspec.json.encode(once).decode())
        tables.keep(connection, asked.caller, asked.key, self._clock.time(), sealed)

    async def _known(self, asked: Asked) -> Once | None:
        after = self._clock.time() - KEPT
        sealed = await self._store.read(lambda c: tables.find(c, asked.caller, asked.key, after))
        return None if sealed is None else msgspec.json.decode(self._vault.open(sealed), type=Once)

    async def retain(self) -> None:
        """Drops the keys of the day before, once an hour, for ever."""
        while True:
            await self._store.write(partial(tables.drop, before=self._clock.time() - KEPT))
            await asyncio.sleep(3600)


def _caller(who: Principal) -> str:
    """A tenant's apart: the next one who has a token of this name may be another tenant's."""
    return f"{who.tenant}/{who.name}" if who.tenant else who.name


def _again(answer: Answer, sent: Any) -> web.Response:
    body = msgspec.json.encode(with_sent(msgspec.json.decode(answer.body), sent))
    return web.Response(body=body, status=answer.status, headers=answer.headers)


async def _sent(request: web.Request) -> Any:
    """The request's document; None where it has none that can be read."""
    try:
        return parse(await request.read())
    except Invalid:
        return None


async def _hash(request: web.Request) -> str:
    line = f"{request.method} {request.raw_path}\n".encode(errors="surrogateescape")
    return hashlib.sha256(line + await request.read()).hexdigest()
