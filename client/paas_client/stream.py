"""The stories of all instances as they happen: server-sent events, resumed where the connection broke."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass

import aiohttp

from paas_client.change import read
from paas_client.errors import ClientError, Unavailable, Unreachable
from paas_client.models import Event
from paas_client.transport import API, Transport

_PAUSE = 1.0
"""Seconds before a broken connection is made again."""


def _in_silence(_: ClientError) -> None:
    pass


@dataclass(frozen=True)
class Stories:
    """What happens to databases, middleware and apps; to those of one kind, or to one, where they are named.

    Below API1 it is what happens to apps alone, of a tenant's token to that tenant's.
    """

    transport: Transport
    api: str = API

    async def follow(
        self,
        kind: str = "",
        name: str = "",
        *,
        after: int | None = None,
        on_break: Callable[[ClientError], None] = _in_silence,
    ) -> AsyncGenerator[Event, None]:
        """Every event from now on, or from behind the event with this number, for ever, each once.

        Where the connection breaks it is made again and goes on where it broke; `on_break` is told why. Raises
        ClientError where the first connection fails, and where the controller refuses.
        """
        wanted = {"kind": kind, "name": name}
        last, known = "" if after is None else str(after), False
        while True:
            try:
                async with self.transport.stream("events", query=wanted, last=last, api=self.api) as lines:
                    known = True
                    async for number, data in messages(lines):
                        last = number or last
                        if data:
                            yield read(Event.model_validate_json, data)
            except (Unreachable, Unavailable) as error:
                if not known:
                    raise
                on_break(error)
            await self.transport.sleep(_PAUSE)


async def messages(lines: aiohttp.StreamReader) -> AsyncIterator[tuple[str, bytes]]:
    """Id and data of each message that came whole; an id may come without data, and holds until the next one."""
    number, data = "", list[bytes]()
    async for line in lines:
        field, colon, value = line.rstrip(b"\r\n").partition(b":")
        value = value.removeprefix(b" ")
        if field == b"id":
            number = value.decode()
        elif field == b"data":
            data.append(value)
        elif not field and not colon:
            yield number, b"\n".join(data)
            data.clear()
