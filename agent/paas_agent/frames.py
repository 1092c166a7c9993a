"""What goes over a tunnel, and how either end speaks: it asks, and is asked, as over HTTP. For both programs.

A frame is one binary message of the websocket, in msgpack. Unknown keys are ignored on both sides.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

import msgspec

log = logging.getLogger(__name__)

PATH = "/apis/v1alpha1/agents/tunnel"
PING_EVERY = 15.0
"""Seconds. An end that hears nothing for half of it after a ping takes the tunnel for broken."""
LARGEST = 4 * 1024 * 1024
"""Bytes of a frame."""
_MOST_AT_ONCE = 256


class Asked(msgspec.Struct, kw_only=True, omit_defaults=True, tag="asked"):
    """A request: `path` with what stands behind the question mark; `token` is that of whoever asks over HTTP."""

    number: int
    method: str
    path: str
    token: str = ""
    body: bytes = b""


class Answered(msgspec.Struct, kw_only=True, tag="answered"):
    """The answer to the request of this number."""

    number: int
    status: int
    body: bytes


class TunnelClosed(Exception):
    """The tunnel broke before the answer came; nobody knows what became of the request."""


Send = Callable[[bytes], Awaitable[None]]
Answer = Callable[[Asked], Awaitable[Answered]]
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Asked | Answered)


class Conversation:
    """One end of one tunnel. `send` raises OSError where it is broken."""

    def __init__(self, send: Send, answer: Answer) -> None:
        self._send, self._answer = send, answer
        self._last = 0
        self._waiting: dict[int, asyncio.Future[Answered | None]] = {}
        self._answering: set[asyncio.Task[None]] = set()

    async def ask(self, method: str, path: str, body: bytes = b"", token: str = "") -> Answered:
        """The other end's answer. Raises TunnelClosed."""
        self._last = number = self._last + 1
        self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            asked = Asked(number=number, method=method, path=path, token=token, body=body)
            await self._send(_encoder.encode(asked))
            answer = await self._waiting[number]
        except OSError as error:
            raise TunnelClosed(str(error)) from None
        finally:
            del self._waiting[number]
        if answer is None:
            raise TunnelClosed("the tunnel broke")
        return answer

    def heard(self, frame: bytes) -> None:
        """Takes what came. Raises msgspec.DecodeError where it is no frame, or one too many."""
        came = _decoder.decode(frame)
        if isinstance(came, Asked):
            if len(self._answering) >= _MOST_AT_ONCE:
                raise msgspec.DecodeError("too much is asked at once")
            task = asyncio.create_task(self._respond(came))
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)
        elif (waiting := self._waiting.get(came.number)) and not waiting.done():
            waiting.set_result(came)

    async def _respond(self, asked: Asked) -> None:
        try:
            answer = await self._answer(asked)
        except Exception:
            log.exception("%s %s failed", asked.method, asked.path)
            answer = Answered(number=asked.number, status=500, body=b"")
        with suppress(OSError):  # whoever asked will ask again
            await self._send(_encoder.encode(answer))

    def close(self) -> None:
        """The tunnel is gone: nobody is answered any more. What was asked of this end is done all the same."""
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_result(None)
