"""Databases and middleware."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import TypeAdapter

from paas_client.change import Change, read
from paas_client.models import (
    AnswerT,
    Event,
    Expect,
    InstanceStatus,
    Kind,
    Listed,
    Operation,
    Page,
    Record,
    StatusChange,
    Told,
)
from paas_client.transport import Call, Query, Transport, Word

_PAGE = 500

_names, _changes = TypeAdapter(list[str]), TypeAdapter(list[StatusChange])


@dataclass(frozen=True)
class Filter:
    """Which instances are wanted; what is empty takes all. A label is key:value, `host` is address:port."""

    expect: str = ""
    realtime: str = ""
    label: Sequence[str] = ()
    host: str = ""
    drift: bool = False


_ALL = Filter()


@dataclass(frozen=True)
class Instances:
    """The databases, or the middleware.

    A write with the `etag` of a record that was read is a Conflict where somebody else has written since.
    """

    transport: Transport
    kind: Kind

    def create(self, document: Mapping[str, Any]) -> Change[InstanceStatus]:
        """Creates an instance from the create body. Conflict where the name is taken."""
        return self._write(Call("POST", (self.kind, "create"), body=document))

    def replace(
        self,
        name: str,
        document: Mapping[str, Any],
        *,
        apply: Literal["", "restart", "reinstall"] = "",
        removed: Literal["", "uninstall", "orphan"] = "",
        etag: str = "",
    ) -> Change[InstanceStatus]:
        """Changes the whole spec; it counts from the next action on, or at once where `apply` says how.

        `removed` says what becomes of the members on hosts that are no longer listed; Conflict where that is not said.
        """
        return self._write(Call("PUT", (self.kind, name), {"apply": apply, "removed": removed}, document, etag))

    async def all(self, wanted: Filter = _ALL) -> AsyncIterator[Listed]:
        """All instances by name, those that are wanted."""
        query: dict[str, Word] = {"limit": _PAGE, **vars(wanted)}
        while True:
            page = await self._page(Listed, query)
            for item in page.items:
                yield item
            if page.next is None:
                return
            query["cursor"] = page.next

    async def get(self, name: str) -> Record:
        return (await self.get_tagged(name))[0]

    async def get_tagged(self, name: str) -> tuple[Record, str]:
        """The record, and the ETag by which a write tells that it is about this version of it."""
        answer = await self.transport.get(self.kind, name)
        return read(Record.model_validate_json, answer.body), answer.etag

    async def status(self, name: str) -> InstanceStatus:
        return read(InstanceStatus.model_validate_json, (await self.transport.get(self.kind, name, "status")).body)

    def expect(self, name: str, expect: Expect, *, etag: str = "") -> Change[InstanceStatus]:
        """Sets the expectation; the answer is the status at that moment, the work goes on in the background."""
        return self._wish(name, expect, etag)

    def restart(self, name: str, *, etag: str = "") -> Change[InstanceStatus]:
        """Wants a restart. Conflict unless running is expected."""
        return self._wish(name, "restart", etag)

    def hold(self, name: str, *, etag: str = "") -> Change[InstanceStatus]:
        """Hands off: it is observed and reported, and nothing is done until it is released."""
        return self._wish(name, "hold", etag)

    def release(self, name: str, *, etag: str = "") -> Change[InstanceStatus]:
        return self._wish(name, "release", etag)

    def delete(self, name: str, *, uninstall: bool = False, orphan: bool = False, etag: str = "") -> Change[Told]:
        """Forgets an instance that is not installed; otherwise a Conflict, unless one of the two ways is given."""
        call = Call("DELETE", (self.kind, name), {"uninstall": uninstall, "orphan": orphan}, etag=etag)
        return Change(self.transport, call, Told.model_validate_json)

    async def changed(self, day: str, *, cause: str = "") -> list[str]:
        """The names whose status changed on a day (MMDD or YYYY-MM-DD), each once, in order of the first change."""
        return read(_names.validate_json, await self._changed(day, {"cause": cause}))

    async def changes(self, day: str, *, cause: str = "") -> list[StatusChange]:
        """Every change of a day."""
        return read(_changes.validate_json, await self._changed(day, {"cause": cause, "detail": True}))

    async def events(self, name: str, *, limit: int = 100, cursor: str = "") -> Page[Event]:
        """The story, newest first."""
        return await self._page(Event, {"limit": limit, "cursor": cursor}, name, "events")

    async def operations(self, name: str, *, limit: int = 100, cursor: str = "") -> Page[Operation]:
        """What ran, newest first."""
        return await self._page(Operation, {"limit": limit, "cursor": cursor}, name, "operations")

    def _wish(self, name: str, what: str, etag: str) -> Change[InstanceStatus]:
        return self._write(Call("PUT", (self.kind, name, what), etag=etag))

    def _write(self, call: Call) -> Change[InstanceStatus]:
        return Change(self.transport, call, _status)

    async def _changed(self, day: str, query: Query) -> bytes:
        return (await self.transport.get(self.kind, "status", "changed", day, query=query)).body

    async def _page(self, model: type[AnswerT], query: Query, *path: str) -> Page[AnswerT]:
        answer = await self.transport.get(self.kind, *path, query=query)
        return read(Page[model].model_validate_json, answer.body)  # type: ignore[valid-type]


def _status(answer: bytes) -> InstanceStatus:
    """The status in the answer to a write, which is a status or the whole spec with it."""
    document = TypeAdapter(dict[str, Any]).validate_json(answer)
    status = document.get("status") or (document.get("app") or {}).get("status")
    return InstanceStatus.model_validate({"name": document.get("name"), "status": status})
