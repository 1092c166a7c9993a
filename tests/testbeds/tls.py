"""The product as shipped, with TLS on every connection: a controller that listens on all addresses, and a relay that
keeps what passes through it.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp

from paas_agent.membership import Membership, load
from paas_controller.base.crypto import Vault
from paas_controller.hosts.trust.authority import Authority
from paas_controller.hosts.trust.keeping import kept_authority
from tests.testbeds.stack import BIN, Agent, Program, Stack, until


class TlsStack(Stack):
    """Off loopback TLS is the default, and a wildcard is off loopback."""

    def __init__(self, folder: Path, repo: Path, *, ca: str = "", **settings: str) -> None:
        """`ca` (PEM) is what people know the controller by, where it is not its own CA."""
        super().__init__(folder, repo, **settings)
        self._ca = ca
        self.url = f"https://127.0.0.1:{self.port}"
        arguments = ["--listen", f"0.0.0.0:{self.port}", "--advertise", f"127.0.0.1:{self.port}"]
        arguments += [*self.controller.arguments[3:]]
        self.controller = Program("controller", [str(BIN / "paas-controller"), *arguments], self.controller.log)

    @property
    def data(self) -> Path:
        return self.folder / "controller"

    async def start_controller(self) -> None:
        self.controller.start()
        await until(self._has_ca, f"the CA; see {self.controller.log}")
        if self._session is None:
            context = ssl.create_default_context(cadata=self._ca or (self.data / "ca.pem").read_text())
            connector, limit = aiohttp.TCPConnector(ssl=context), aiohttp.ClientTimeout(total=30)
            self._session = aiohttp.ClientSession(timeout=limit, connector=connector)
        await until(self._ready, f"the controller; see {self.controller.log}")

    async def _has_ca(self) -> bool:
        assert self.controller.alive, f"the controller ended; see {self.controller.log}"
        return (self.data / "ca.pem").exists()

    def authority(self, now: float) -> Authority:
        """Its CA, for certificates that it would not make."""
        return kept_authority(self.data, Vault(self.data / "secret.key"), now)


def membership(agent: Agent) -> Membership:
    """What this agent knows itself and its controller by."""
    return load(agent.work_dir)


class Relay:
    """A line between two programs; `passed` is all that went over it, both ways."""

    def __init__(self, port: int) -> None:
        self._to = port
        self.passed = bytearray()
        self._tasks: set[asyncio.Task[None]] = set()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.close()
            return
        for source, target in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(self._pass(source, target))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError):
                while data := await source.read(65536):
                    self.passed += data
                    target.write(data)
                    await target.drain()
        finally:
            target.close()

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def relayed(to: int, port: int = 0) -> AsyncIterator[tuple[Relay, int]]:
    """A relay to this port of loopback, and the port on which it listens itself."""
    relay = Relay(to)
    server = await asyncio.start_server(relay._connected, "127.0.0.1", port)
    async with server:
        yield relay, server.sockets[0].getsockname()[1]
        await relay.close()
