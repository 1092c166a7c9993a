"""Writes: done when they are awaited, or planned, which does nothing."""

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from paas_client.errors import ClientError
from paas_client.models import Plan
from paas_client.transport import Call, Query, Transport

T = TypeVar("T")


@dataclass(frozen=True)
class Change(Generic[T]):
    """A write that has not been sent yet: `await` sends it and gives the answer, `plan` asks what it would do."""

    transport: Transport
    call: Call
    parse: Callable[[bytes], T]

    def __await__(self) -> Generator[Any, None, T]:
        return self._made().__await__()

    async def plan(self) -> Plan:
        """The steps that it would take. Nothing is changed; what would be refused is refused."""
        query: Query = {**(self.call.query or {}), "dry_run": True}
        answer = await self.transport.send(replace(self.call, query=query))
        return read(Plan.model_validate_json, answer.body)

    async def _made(self) -> T:
        return read(self.parse, (await self.transport.send(self.call)).body)


def read(parse: Callable[[bytes], T], answer: bytes) -> T:
    """The answer as a model; ClientError where it is none that this client knows."""
    try:
        return parse(answer)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the answer"
        told = f"{where}: {first['msg']}"
        raise ClientError(f"this is no answer of a controller that this client knows ({told})") from None
