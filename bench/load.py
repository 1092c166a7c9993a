"""A load generator light enough not to be what is measured: prebuilt requests over kept connections."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from itertools import cycle


def request(method: str, path: str, token: str, body: bytes) -> bytes:
    """One HTTP/1.1 request, ready to be written."""
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


class _Caller(asyncio.Protocol):
    """Writes the next request as soon as the former is answered. Answers must carry a Content-Length."""

    def __init__(self, requests: Iterator[bytes], until: float, wanted: bytes) -> None:
        self._requests, self._until, self._wanted = requests, until, wanted
        self.answered = 0
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pending = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        self._pending += data
        head, separator, body = self._pending.partition(b"\r\n\r\n")
        if not separator:
            return
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        if len(body) < length:
            return
        if not head.startswith(self._wanted):
            self.over.set_exception(AssertionError(self._pending[:300].decode()))
            self._transport.close()
            return
        self._pending = b""
        self.answered += 1
        if time.monotonic() < self._until:
            self._transport.write(next(self._requests))
        else:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.over.done():
            self.over.set_result(None)


async def rate(
    port: int, requests: Sequence[bytes], *, seconds: float, connections: int = 16, wanted: int = 202
) -> float:
    """Requests answered per second with the status that is wanted; AssertionError shows any other answer."""
    loop, source, began = asyncio.get_running_loop(), cycle(requests), time.monotonic()
    status = f"HTTP/1.1 {wanted}".encode()
    made = [
        await loop.create_connection(lambda: _Caller(source, began + seconds, status), "127.0.0.1", port)
        for _ in range(connections)
    ]
    callers = [caller for _, caller in made]
    await asyncio.gather(*(caller.over for caller in callers))
    return sum(caller.answered for caller in callers) / (time.monotonic() - began)
