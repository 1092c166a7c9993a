"""The typed client of the controller's API, for portals:

    async with connect("http://127.0.0.1:3334", token) as client:
        await client.database.expect("db7", "running")

Every call raises `paas_client.errors.ClientError`. Calls that may be repeated are, a few times, when the connection
fails or the controller is not available for the moment.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp
from pydantic import TypeAdapter, ValidationError

from paas_client.errors import ClientError
from paas_client.models import (
    AnswerT,
    Change,
    Deleted,
    Event,
    Expect,
    Host,
    InstanceStatus,
    JoinToken,
    Kind,
    LogPiece,
    Operation,
    Page,
    Record,
)
from paas_client.transport import Query, Transport

T = TypeVar("T")
_TIMEOUT = aiohttp.ClientTimeout(total=60, sock_connect=5)
_PAGE = 500

_names, _changes = TypeAdapter(list[str]), TypeAdapter(list[Change])


@asynccontextmanager
async def connect(url: str, token: str) -> AsyncIterator["Client"]:
    """A client over a session of its own, which is closed at the end."""
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
        yield Client(Transport(session, url, token))


class Client:
    """All that can be asked of a controller."""

    def __init__(self, transport: Transport) -> None:
        self.database = Instances(transport, "database")
        self.middleware = Instances(transport, "middleware")
        self.operations = Operations(transport)
        self.hosts = Hosts(transport)

    def instances(self, kind: Kind) -> "Instances":
        return self.database if kind == "database" else self.middleware


@dataclass(frozen=True)
class Instances:
    """The databases, or the middleware."""

    _transport: Transport
    kind: Kind

    async def create(self, document: Mapping[str, Any]) -> InstanceStatus:
        """Creates an instance from the create body. Conflict where the name is taken."""
        answer = await self._transport.call("POST", self.kind, "create", body=document, repeatable=False)
        created = read(TypeAdapter(dict[str, Any]).validate_json, answer)
        status = {"name": created.get("name"), "status": created.get("app", {}).get("status")}
        return read(InstanceStatus.model_validate, status)

    async def all(self, *, expect: str = "", realtime: str = "") -> AsyncIterator[InstanceStatus]:
        """All instances by name, those with this expectation and this state where given."""
        chosen = {key: value for key, value in (("expect", expect), ("realtime", realtime)) if value}
        cursor: dict[str, str] = {}
        while True:
            page = await self._page(InstanceStatus, {"limit": _PAGE, **chosen, **cursor})
            for item in page.items:
                yield item
            if page.next is None:
                return
            cursor = {"cursor": page.next}

    async def get(self, name: str) -> Record:
        return read(Record.model_validate_json, await self._transport.call("GET", self.kind, name))

    async def status(self, name: str) -> InstanceStatus:
        return read(InstanceStatus.model_validate_json, await self._transport.call("GET", self.kind, name, "status"))

    async def expect(self, name: str, expect: Expect) -> InstanceStatus:
        """Sets the expectation; the answer is the status at that moment, the work goes on in the background."""
        return await self._change(name, expect)

    async def restart(self, name: str) -> InstanceStatus:
        """Wants a restart. Conflict unless running is expected. Never repeated: it might restart twice."""
        return await self._change(name, "restart", repeatable=False)

    async def hold(self, name: str) -> InstanceStatus:
        """Hands off: it is observed and reported, and nothing is done until it is released."""
        return await self._change(name, "hold")

    async def release(self, name: str) -> InstanceStatus:
        return await self._change(name, "release")

    async def delete(self, name: str, *, uninstall: bool = False, orphan: bool = False) -> Deleted:
        """Forgets an instance that is not installed; otherwise a Conflict, unless one of the two ways is given."""
        how = {"uninstall": uninstall, "orphan": orphan}
        return read(Deleted.model_validate_json, await self._transport.call("DELETE", self.kind, name, query=how))

    async def changed(self, day: str, *, cause: str = "") -> list[str]:
        """The names whose status changed on a day (MMDD or YYYY-MM-DD), each once, in order of the first change."""
        return read(_names.validate_json, await self._changed(day, cause, detail=False))

    async def changes(self, day: str, *, cause: str = "") -> list[Change]:
        """Every change of a day."""
        return read(_changes.validate_json, await self._changed(day, cause, detail=True))

    async def events(self, name: str, *, limit: int = 100, cursor: str = "") -> Page[Event]:
        """The story, newest first."""
        return await self._page(Event, _paged(limit, cursor), name, "events")

    async def operations(self, name: str, *, limit: int = 100, cursor: str = "") -> Page[Operation]:
        """What ran, newest first."""
        return await self._page(Operation, _paged(limit, cursor), name, "operations")

    async def _change(self, name: str, what: str, *, repeatable: bool = True) -> InstanceStatus:
        answer = await self._transport.call("PUT", self.kind, name, what, repeatable=repeatable)
        return read(InstanceStatus.model_validate_json, answer)

    async def _changed(self, day: str, cause: str, *, detail: bool) -> bytes:
        query: Query = {"detail": detail, "cause": cause}
        return await self._transport.call("GET", self.kind, "status", "changed", day, query=query)

    async def _page(self, model: type[AnswerT], query: Query, *path: str) -> Page[AnswerT]:
        answer = await self._transport.call("GET", self.kind, *path, query=query)
        return read(Page[model].model_validate_json, answer)  # type: ignore[valid-type]


@dataclass(frozen=True)
class Operations:
    """What ran, by id."""

    _transport: Transport

    async def get(self, identifier: str) -> Operation:
        return read(Operation.model_validate_json, await self._transport.call("GET", "operations", identifier))

    async def log(self, identifier: str, offset: int = 0) -> LogPiece:
        """Its output from this byte on. Unavailable while the host that keeps it is not heard of."""
        answer = await self._transport.call("GET", "operations", identifier, "log", query={"offset": offset})
        return read(LogPiece.model_validate_json, answer)


@dataclass(frozen=True)
class Hosts:
    """The registry; a host's id is address:port."""

    _transport: Transport

    async def new_join_token(self) -> JoinToken:
        answer = await self._transport.call("POST", "hosts", "join-tokens", repeatable=False)
        return read(JoinToken.model_validate_json, answer)

    async def all(self) -> list[Host]:
        return read(Page[Host].model_validate_json, await self._transport.call("GET", "hosts")).items

    async def get(self, identifier: str) -> Host:
        return read(Host.model_validate_json, await self._transport.call("GET", "hosts", identifier))

    async def delete(self, identifier: str) -> Deleted:
        """Forgets a host; Conflict while instances stand on it."""
        return read(Deleted.model_validate_json, await self._transport.call("DELETE", "hosts", identifier))


def read(parse: Callable[[Any], T], answer: object) -> T:
    """The answer as a model; ClientError where it is none that this client knows."""
    try:
        return parse(answer)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the answer"
        told = f"{where}: {first['msg']}"
        raise ClientError(f"this is no answer of a controller that this client knows ({told})") from None


def _paged(limit: int, cursor: str) -> Query:
    return {"limit": limit} | ({"cursor": cursor} if cursor else {})
