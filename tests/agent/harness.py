"""The agent as a program, beside a small controller and a small repository that can be told to misbehave."""

import asyncio
import os
import signal
import ssl
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

from paas_agent.contract import Acknowledged, InstanceName, Joined, Order, Outcome, Report
from paas_agent.membership import Membership
from paas_agent.process import identify

TOKEN = "controller-speaks"
AGENT_TOKEN = "agent-speaks"
GOOD = """echo '{"code": "0", "msg": "fine"}'\n"""
BAD = """echo '{"code": "7", "msg": "not yet"}'\n"""
SERVICE = """
setsid sleep 1000 >/dev/null 2>&1 &
echo $! > "$INSTANCE_DIR/pid"
"""
CHECK_PROCESS = """
if kill -0 "$(cat "$INSTANCE_DIR/pid")" 2>/dev/null; then echo '{"code": "0", "msg": "alive"}'
else echo '{"code": "1", "msg": "dead"}'; fi
"""

Orders = Callable[..., Order]


async def until(condition: Callable[[], object], seconds: float = 20) -> None:
    """Wait for a condition to come true; it is looked at often, and fails the test when it never comes."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


@dataclass
class Controller:
    """Takes joins and reports. It takes nothing while it is `away` (503) or refuses the token (401)."""

    url: str = ""
    reports: list[Report] = field(default_factory=list)
    away: bool = False
    refuse: bool = False
    interval: float = 0.5
    forget: list[InstanceName] = field(default_factory=list)
    authorizations: set[str] = field(default_factory=set)
    join_asked: dict[str, Any] = field(default_factory=dict)
    """The last join, as it came."""

    @property
    def sequence(self) -> int:
        """The number of the last report that was taken; no lower one is."""
        return self.reports[-1].sequence if self.reports else 0

    @property
    def outcomes(self) -> list[Outcome]:
        return [outcome for report in self.reports for outcome in report.outcomes]

    @property
    def changes(self) -> list[tuple[str, str, str]]:
        return [(change.before, change.after, change.cause) for report in self.reports for change in report.changes]

    async def outcome(self, operation_id: str) -> Outcome:
        await until(lambda: any(outcome.operation_id == operation_id for outcome in self.outcomes))
        return next(outcome for outcome in self.outcomes if outcome.operation_id == operation_id)

    async def status(self, wanted: str, name: str = "db1") -> None:
        def seen() -> bool:
            last = self.reports[-1].instances if self.reports else []
            return any(one.name == name and one.status == wanted and one.operation is None for one in last)

        await until(seen)

    async def join(self, request: web.Request) -> web.Response:
        self.join_asked = body = await request.json()
        if body["join_token"] != "let-me-in":
            return web.json_response({"error": {"message": "the join token is not known"}}, status=401)
        joined = Joined(
            host=f"{body['address']}:{body['port']}",
            agent_token=AGENT_TOKEN,
            controller_token=TOKEN,
            interval=self.interval,
        )
        return web.Response(body=msgspec.json.encode(joined))

    async def report(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.authorizations.add(request.headers["Authorization"])
        if self.away or self.refuse:
            return web.Response(status=503 if self.away else 401)
        if len(body) >= 1024**2:
            return web.Response(status=413)
        report = msgspec.json.decode(body, type=Report)
        if report.sequence > self.sequence:
            self.reports.append(report)
        answer = Acknowledged(acknowledged=self.sequence, interval=self.interval, forget=self.forget)
        return web.Response(status=202, body=msgspec.json.encode(answer))


@dataclass
class Repository:
    """Files by name. A name in `stalled` is not answered until it is taken out again."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    stalled: set[str] = field(default_factory=set)

    def put(self, **scripts: str) -> None:
        """Publish scripts by their action."""
        self.files.update({f"{action}.sh": text.encode() for action, text in scripts.items()})

    async def get(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        self.asked.append(name)
        while name in self.stalled:
            await asyncio.sleep(0.01)
        if name not in self.files:
            return web.Response(status=404)
        return web.Response(body=self.files[name])


@dataclass
class Agent:
    """The program in a process of its own, with the work folder it keeps over restarts."""

    work_dir: Path
    port: int
    session: aiohttp.ClientSession
    process: asyncio.subprocess.Process | None = None
    log: Path = Path()
    scheme: str = "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    async def command(self, *arguments: str, **environment: str) -> tuple[int, str]:
        """Run paas-agent to its end: exit code and all it printed."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "paas_agent", *arguments),
            env={**os.environ, **environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        printed, _ = await process.communicate()
        return process.returncode or 0, printed.decode()

    async def start(self, pass_fds: Sequence[int] = ()) -> None:
        """Run the agent, and return when it answers."""
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "paas_agent", "run", "--work-dir", str(self.work_dir)),
                stdout=log,
                stderr=log,
                pass_fds=pass_fds,
            )
        async with asyncio.timeout(20):
            while True:
                assert self.process.returncode is None, self.log.read_text()
                try:
                    async with self.session.get(f"{self.url}/ping") as answer:
                        assert answer.status == 200
                        return
                except aiohttp.ClientConnectionError:
                    await asyncio.sleep(0.02)

    async def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(number)
        return await self.process.wait()

    async def kill(self) -> None:
        """kill -9."""
        await self.stop(signal.SIGKILL)

    async def call(self, method: str, path: str, **options: object) -> tuple[int, Any]:
        """One request with the controller's token: status and JSON."""
        options.setdefault("headers", {"Authorization": f"Bearer {TOKEN}"})
        async with self.session.request(method, f"{self.url}{path}", **options) as answer:
            return answer.status, await answer.json()

    async def send(self, action: str, order: Order) -> tuple[int, Any]:
        """Send an order."""
        return await self.call("POST", f"/{action}", data=msgspec.json.encode(order))

    async def order(self, action: str, order: Order) -> str:
        """Send an order that has to be taken; its operation's id."""
        status, body = await self.send(action, order)
        assert status == 202, body
        return body["operation_id"]

    async def until(self, path: str, condition: Callable[[Any], bool]) -> None:
        """Ask for a path until what is shown there meets the condition."""
        async with asyncio.timeout(20):
            while not condition((await self.call("GET", path))[1]):
                await asyncio.sleep(0.01)

    def folder(self, order: Order) -> Path:
        """INSTANCE_DIR."""
        return self.work_dir / "instances" / order.type / order.name


def membership(controller: str, port: int) -> Membership:
    """What joining this controller would have left."""
    return Membership(
        controller=controller,
        host=f"127.0.0.1:{port}",
        agent_token=AGENT_TOKEN,
        controller_token=TOKEN,
        interval=0.5,
        listen=f"127.0.0.1:{port}",
        address="127.0.0.1",
        port=str(port),
    )


@asynccontextmanager
async def served(*routes: web.RouteDef, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A web server with these routes, as its address."""
    app = web.Application(client_max_size=4 * 1024**2)
    app.add_routes(routes)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    yield f"{'https' if tls else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


def end_leftovers(work_dir: Path) -> None:
    """End what the scripts of this agent have left running."""
    mark = f"INSTANCE_DIR={work_dir}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes():
                os.kill(int(process.name), signal.SIGKILL)
        except OSError:
            continue


SLOW = """
echo begun >> "$INSTANCE_DIR/runs"
while [ ! -e "$INSTANCE_DIR/go" ]; do sleep 0.02; done
echo done
"""
"""A script that counts its runs, and ends when somebody makes the file `go`."""


def alive(pid: int) -> bool:
    """Whether that process is there, and more than a zombie that nobody has fetched yet."""
    return identify(pid, "") is not None


def runs(folder: Path) -> int:
    """How often SLOW has begun in this INSTANCE_DIR."""
    file = folder / "runs"
    return file.read_text().count("begun") if file.exists() else 0
