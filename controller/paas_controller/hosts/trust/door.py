"""The door of a TLS listener: the handshake, and a sentence where it fails. (asyncio's own fails without a word.)"""

import asyncio
import logging
import ssl
from asyncio.sslproto import SSLProtocol
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from paas_controller.base.addresses import split_address
from paas_controller.hosts.trust.sentences import about

_log = logging.getLogger(__name__)
_HANDSHAKE = 15.0
SSLProtocol.max_size = 16 * 1024
"""What asyncio sets aside for each connection: a record of TLS is not larger. By itself it takes 256 KiB."""

Refused = Callable[[str, str], None]
"""Hears of an address and of what is wrong with what came from it."""


@dataclass(frozen=True)
class Listener:
    """How connections are taken: with TLS, or without where there is no context."""

    context: ssl.SSLContext | None
    refused: Refused

    async def listen(self, inside: Callable[[], asyncio.Protocol], address: str) -> asyncio.Server:
        """Serves on HOST:PORT. Raises OSError."""
        host, port = split_address(address)
        way = partial(Door, inside, self.context, self.refused) if self.context else inside
        return await asyncio.get_running_loop().create_server(way, host, port, backlog=4096)


class Door(asyncio.Protocol):
    """Hands a connection on to `inside` once its handshake is done, with whatever came along with it."""

    def __init__(self, inside: Callable[[], asyncio.Protocol], context: ssl.SSLContext, refused: Refused) -> None:
        self._inside, self._context, self._refused = inside, context, refused
        self._early = bytearray()
        self._lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()  # all of it is for the handshake
        self._entering = asyncio.get_running_loop().create_task(self._enter(transport))

    def data_received(self, data: bytes) -> None:
        self._early += data

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True

    async def _enter(self, raw: asyncio.Transport) -> None:
        peer = str((raw.get_extra_info("peername") or ("somebody",))[0])
        try:
            transport = await asyncio.get_running_loop().start_tls(
                raw, self, self._context, server_side=True, ssl_handshake_timeout=_HANDSHAKE
            )
        except OSError as error:  # errors of TLS are some, too
            if told := about(error):
                self._refused(peer, told)
            else:
                _log.info("%s hung up during the handshake; if it is an agent, its log says why", peer)
            return
        if transport is None or self._lost:
            return
        inside = self._inside()
        transport.set_protocol(inside)
        inside.connection_made(transport)
        if self._early:
            inside.data_received(bytes(self._early))
