"""The product as shipped, on loopback, in a folder of its own: controller, repository, agents, each its own process.

Used by the end-to-end tests, by `make demo` and by `bench/`. Everything it started is ended, and so is whatever the
scripts left running below its folder.
"""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self, TypeVar

import aiohttp
import psutil

from tests.testbeds.ports import free_port

T = TypeVar("T")
BIN = Path(sys.executable).parent
REPO = Path(__file__).parents[2] / "dist" / "repo"
API = "/apis/v1alpha1"


async def until(look: Callable[[], Awaitable[T | None]], what: str, seconds: float = 30) -> T:
    """Looks until there is something; AssertionError says what was waited for."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        found = await look()
        if found:
            return found
        assert asyncio.get_running_loop().time() < deadline, f"waited {seconds:g} s in vain for {what}"
        await asyncio.sleep(0.02)


class Program:
    """One program of ours as a process, its output in a file."""

    def __init__(self, name: str, arguments: list[str], log: Path) -> None:
        self.name, self.arguments, self.log = name, arguments, log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(self.arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=output)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """SIGKILL, as at a power loss."""
        if self._process:
            self._process.kill()
            self._process.wait()

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(20)


class Agent(Program):
    """One agent: a host of the controller's."""

    def __init__(self, folder: Path, controller: str, number: int) -> None:
        self.work_dir = folder / f"agent{number}"
        self.port = free_port()
        self.controller = controller
        self.trusts: Path | None = None
        """The file of certificates by which it knows its controller, where it is told one."""
        run = [str(BIN / "paas-agent"), "run", "--work-dir", str(self.work_dir)]
        super().__init__(f"agent {number}", run, folder / f"agent{number}.log")

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def join(self, token: str) -> None:
        join = [str(BIN / "paas-agent"), "join", "--controller", self.controller, "--join-token", token]
        listen = ["--listen", self.host, "--work-dir", str(self.work_dir)]
        trust = ["--ca-file", str(self.trusts)] if self.trusts else []
        self.arguments += trust
        subprocess.run(join + listen + trust, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def instance_dir(self, kind: str, name: str) -> Path:
        return self.work_dir / "instances" / kind / name

    def pid_of(self, kind: str, name: str) -> int:
        """The process that the instance's start script named."""
        return int((self.instance_dir(kind, name) / "pid").read_text())


class Stack:
    """A controller that serves `repo`, any number of agents, and a session that speaks as administrator."""

    def __init__(self, folder: Path, repo: Path = REPO, **settings: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        data = ["--listen", f"127.0.0.1:{self.port}", "--data-dir", str(folder / "controller"), "--repo-dir", str(repo)]
        more = [part for name, value in settings.items() for part in (f"--{name.replace('_', '-')}", value)]
        self.controller = Program("controller", [str(BIN / "paas-controller"), *data, *more], folder / "controller.log")
        self.agents: list[Agent] = []
        self._token = folder / "controller" / "admin.token"
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            await self.start_controller()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session:
            await self._session.close()
        for program in (*self.agents, self.controller):
            program.kill()
        end_below(self.folder)

    async def start_controller(self) -> None:
        self.controller.start()
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30))
        await until(self._ready, f"the controller; see {self.controller.log}")

    async def _ready(self) -> bool:
        assert self._session is not None
        assert self.controller.alive, f"the controller ended; see {self.controller.log}"
        if not self._token.exists():  # until then somebody else answers at this port, if anybody
            return False
        with suppress(aiohttp.ClientError):
            async with self._session.get(f"{self.url}/readyz") as response:
                return response.status == 200
        return False

    @property
    def token(self) -> str:
        return self._token.read_text()

    async def add_agent(self, *, start: bool = True) -> Agent:
        agent = Agent(self.folder, self.url, len(self.agents))
        _, answer = await self.call("POST", "/hosts/join-tokens")
        await asyncio.to_thread(agent.join, answer["join_token"])
        self.agents.append(agent)
        if start:
            await self.start_agent(agent)
        return agent

    async def start_agent(self, agent: Agent) -> None:
        """Starts it and waits for its first report."""
        agent.start()
        await until(lambda: self._online(agent), f"{agent.host} to report; see {agent.log}")

    async def _online(self, agent: Agent) -> bool:
        status, host = await self.call("GET", f"/hosts/{agent.host}")
        return status == 200 and host["state"] == "online"

    async def call(self, method: str, path: str, body: Any = None, *, token: str | None = None) -> tuple[int, Any]:
        """Status and JSON of one call below /apis/v1alpha1."""
        assert self._session is not None
        headers = {"Authorization": f"Bearer {self.token if token is None else token}"}
        async with self._session.request(method, self.url + API + path, json=body, headers=headers) as response:
            return response.status, await response.json()

    async def realtime(self, kind: str, name: str) -> str:
        status, answer = await self.call("GET", f"/{kind}/{name}/status")
        assert status == 200, answer
        return str(answer["status"]["realtime"])

    async def becomes(self, kind: str, name: str, realtime: str, seconds: float = 30) -> None:
        async def there() -> bool:
            return await self.realtime(kind, name) == realtime

        await until(there, f"{kind} {name} to be {realtime}; logs are in {self.folder}", seconds)

    def body(self, name: str, software: str, *agents: Agent, **metadata: str) -> dict[str, Any]:
        """A create body for a software of the repository."""
        scripts = {action: f"{action}.sh" for action in ("install", "start", "stop", "restart", "check", "uninstall")}
        app = {
            "repo_url": f"{self.url}/repo/{software}/",
            **scripts,
            "package": f"{software.replace('/', '-')}.tar.gz",
            "metadata": metadata,
        }
        hosts = [{"ip": "127.0.0.1", "agent_port": agent.port} for agent in agents]
        return {"name": name, "host": hosts, "app": app}


def end_below(folder: Path) -> None:
    """Ends every process that works below the folder: what the scripts left running."""
    for process in psutil.process_iter(["cwd", "exe"]):
        if any(Path(path).is_relative_to(folder) for path in (process.info["cwd"], process.info["exe"]) if path):
            with suppress(psutil.NoSuchProcess):
                process.kill()
