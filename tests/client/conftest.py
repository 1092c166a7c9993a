"""A real controller for all tests, paasctl through its entry point, and agents whose answers the tests choose."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from paas_client.client import Client, connect
from tests.client.fake_agent import FakeAgent
from tests.testbeds.ports import free_port
from tests.testbeds.stack import BIN, Program, until


@dataclass(frozen=True)
class Controller:
    url: str
    token: str


async def start_controller(folder: Path, port: int) -> tuple[Program, Controller]:
    """A controller as a process, ready."""
    folder.mkdir(exist_ok=True)
    arguments = [str(BIN / "paas-controller"), "--listen", f"127.0.0.1:{port}", "--data-dir", str(folder)]
    program = Program("controller", arguments, folder / "log")
    program.start()
    url = f"http://127.0.0.1:{port}"
    await until_ready(program, url)
    return program, Controller(url, (folder / "admin.token").read_text())


async def until_ready(program: Program, url: str) -> None:
    async def ready() -> bool:
        assert program.alive, program.log.read_text()
        try:
            async with aiohttp.ClientSession() as session, session.get(f"{url}/readyz") as response:
                return response.ok
        except aiohttp.ClientError:
            return False

    await until(ready, "the controller")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def controller(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Controller]:
    program, controller = await start_controller(tmp_path_factory.mktemp("controller"), free_port())
    yield controller
    assert program.stop() == 0


@pytest.fixture
async def client(controller: Controller) -> AsyncIterator[Client]:
    async with connect(controller.url, controller.token) as client:
        yield client


@dataclass
class Ended:
    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


class Running:
    """A paasctl that runs; what it says on stderr is read as it comes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._err = ""

    async def says(self, text: str) -> None:
        """Reads stderr until this text comes, after what was read before."""
        assert self._process.stderr
        line = ""
        async with asyncio.timeout(20):
            while text not in line:
                line = (await self._process.stderr.readline()).decode()
                assert line, f"it ended without saying {text!r}: {self._err}"
                self._err += line

    async def prints(self, text: str) -> str:
        """Reads stdout until this text comes, after what was read before; the line that it stands in."""
        assert self._process.stdout
        line = ""
        async with asyncio.timeout(20):
            while text not in line:
                line = (await self._process.stdout.readline()).decode()
                assert line, f"it ended without printing {text!r}"
        return line

    def interrupt(self) -> None:
        self._process.send_signal(signal.SIGINT)

    async def ended(self, stdin: str | None = None) -> Ended:
        async with asyncio.timeout(60):
            out, err = await self._process.communicate(stdin.encode() if stdin is not None else None)
        assert self._process.returncode is not None
        ended = Ended(self._process.returncode, out.decode(), self._err + err.decode())
        assert "Traceback" not in ended.err, ended.err
        return ended


@dataclass(frozen=True)
class Paasctl:
    """The command, with an environment of its own."""

    environment: dict[str, str]
    quick: tuple[str, ...] = ()
    """What starts it at once (`quick`); empty for the command itself."""
    command: str = str(BIN / "paasctl")

    def with_(self, **changes: str) -> "Paasctl":
        return replace(self, environment=self.environment | changes)

    def without(self, *names: str) -> "Paasctl":
        return replace(self, environment={key: value for key, value in self.environment.items() if key not in names})

    async def start(self, *arguments: str) -> Running:
        pipe = asyncio.subprocess.PIPE
        usual = self.environment.get("LANG") == "C.UTF-8" and not any(key[:2] == "PY" for key in self.environment)
        words = self.quick if usual and self.quick else (self.command,)
        return Running(
            await asyncio.create_subprocess_exec(
                *words, *arguments, stdin=pipe, stdout=pipe, stderr=pipe, env=self.environment
            )
        )

    async def __call__(self, *arguments: str, stdin: str = "") -> Ended:
        running = await self.start(*arguments)
        return await running.ended(stdin)


@pytest.fixture
def paasctl(controller: Controller, quick: tuple[str, ...], tmp_path: Path) -> Paasctl:
    home = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TERM": "xterm"}
    return Paasctl(home | {"PAAS_URL": controller.url, "PAAS_TOKEN": controller.token}, quick)


Agents = Callable[[], Awaitable[FakeAgent]]


@pytest.fixture
async def new_agent(controller: Controller, client: Client) -> AsyncIterator[Agents]:
    """Makes agents that have joined."""
    agents: list[FakeAgent] = []

    async def make() -> FakeAgent:
        agent = FakeAgent(controller.url, free_port())
        agents.append(agent)
        await agent.start((await client.hosts.new_join_token()).join_token)
        return agent

    yield make
    for agent in agents:
        await agent.stop()


@pytest.fixture
def body() -> Callable[..., dict[str, Any]]:
    """A create body for these ports on loopback; what is in `app` comes on top."""

    def make(name: str, *ports: int, **app: Any) -> dict[str, Any]:
        scripts = {action: f"{action}.sh" for action in ("install", "start", "stop", "restart", "check", "uninstall")}
        hosts = [{"ip": "127.0.0.1", "agent_port": port} for port in ports or (1,)]
        return {"name": name, "host": hosts, "app": {"repo_url": "http://127.0.0.1:1/r/", **scripts, **app}}

    return make


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A name of the test's own, because all tests share a controller."""
    return request.node.name.replace("_", "-").replace("[", ".").replace("]", "")[:100]
