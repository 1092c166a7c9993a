"""One tunnel: this controller's end of a websocket that an agent keeps."""

import asyncio

from aiohttp import WSCloseCode, WSMsgType, web
from msgspec import DecodeError

from paas_agent.frames import Answer, Conversation, TunnelClosed
from paas_controller.base.errors import Retryable

_LONGEST_REASON = 120
"""Bytes: a close frame takes no more."""


class Tunnel:
    """Open until its agent hangs up, falls silent, or it is closed here."""

    def __init__(self, socket: web.WebSocketResponse, host: str, shown: str, answer: Answer) -> None:
        self.shown = shown
        self._socket, self._host = socket, host
        self._conversation = Conversation(socket.send_bytes, answer)
        self._closing: asyncio.Task[bool] | None = None
        self._why = ""

    async def ask(self, method: str, path: str, body: bytes, token: str) -> tuple[int, bytes]:
        try:
            answer = await self._conversation.ask(method, path, body, token)
        except TunnelClosed:
            raise Retryable(f"the tunnel of {self._host} broke before its agent answered") from None
        return answer.status, answer.body

    async def serve(self) -> None:
        """Hears what comes, to the end."""
        try:
            while (came := await self._socket.receive()).type is WSMsgType.BINARY and self._closing is None:
                self._conversation.heard(came.data)
        except DecodeError as error:
            self._why = f"its agent sent what cannot be read ({error})"
        finally:
            self._conversation.close()

    @property
    def why(self) -> str:
        """Why it ended."""
        return self._why or str(self._socket.exception() or "") or "its agent hung up"

    def close(self, why: str) -> None:
        if self._closing is None:
            self._why = why
            reason = why.encode()[:_LONGEST_REASON]
            self._conversation.close()
            self._closing = asyncio.create_task(self._socket.close(code=WSCloseCode.GOING_AWAY, message=reason))

    async def closed(self) -> None:
        """Returns when what `close` began is done."""
        if self._closing is not None:
            await asyncio.gather(self._closing, return_exceptions=True)
