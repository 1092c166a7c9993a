"""An agent of which the test says how each order ends. It speaks the real wire to the real controller."""

import asyncio
import time
from dataclasses import dataclass, field

import aiohttp
import msgspec
from aiohttp import web

from paas_agent.contract import (
    Accepted,
    Action,
    Check,
    Fault,
    InstanceReport,
    Join,
    Joined,
    Kind,
    OperationState,
    Order,
    Outcome,
    Phase,
    Progress,
    Report,
    Status,
)

API = "/apis/v1alpha1"
PHASES: dict[Action, Phase] = {
    "install": "installing", "start": "starting", "stop": "stopping", "restart": "restarting",
    "uninstall": "uninstalling",
}  # fmt: skip
REACHED: dict[Action, Status] = {
    "install": "stopped", "start": "running", "stop": "stopped", "restart": "running", "uninstall": "not-installed",
}  # fmt: skip


@dataclass
class Ending:
    """How an operation ends; `when` is set by whoever lets it end."""

    state: OperationState = "succeeded"
    status: Status | None = None
    message: str = ""
    exit_code: int | None = None
    fault: Fault = ""
    when: asyncio.Event | None = None


@dataclass
class FakeAgent:
    """Every order succeeds, unless `endings` says something else of its action."""

    url: str
    port: int
    endings: dict[Action, Ending] = field(default_factory=dict)
    orders: list[tuple[str, Order]] = field(default_factory=list)
    logs: dict[str, str] = field(default_factory=dict)
    unfinished: set[str] = field(default_factory=set)
    """Operations whose log goes on."""
    mute: bool = False
    """No log is answered."""
    cancelled: set[str] = field(default_factory=set)
    joined: Joined | None = None
    _sequence: int = 0
    _there: dict[tuple[Kind, str], InstanceReport] = field(default_factory=dict)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _session: aiohttp.ClientSession | None = None
    _runner: web.AppRunner | None = None

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def start(self, join_token: str) -> None:
        app = web.Application()
        app.router.add_post("/check", self._check)
        app.router.add_get("/operations/{id}/log", self._log)
        app.router.add_delete("/operations/{id}", self._cancel)
        app.router.add_post("/{action}", self._order)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self._session = aiohttp.ClientSession()
        join = Join(join_token=join_token, address="127.0.0.1", port=str(self.port), version="1.2.3")
        self.joined = msgspec.json.decode(await self._post("/agents/join", join, ""), type=Joined)
        await self.report()

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session:
            await self._session.close()
        if self._runner:
            await self._runner.cleanup()

    async def report(self, *outcomes: Outcome) -> None:
        assert self.joined
        self._sequence += 1
        report = Report(
            host=self.host, epoch="e", sequence=self._sequence, full=True, sent_at=time.time(),
            instances=list(self._there.values()), outcomes=list(outcomes),
        )  # fmt: skip
        await self._post("/agents/report", report, self.joined.agent_token)

    async def sees(self, kind: Kind, name: str, status: Status, reason: str) -> None:
        """Reports that an instance has left its state by itself."""
        before = self._there[kind, name]
        self._there[kind, name] = msgspec.structs.replace(before, status=status, reason=reason)
        await self.report()

    async def fetches(self, action: Action, done: int, total: int) -> None:
        """Reports that the order of this action is fetching its package."""
        order = next(order for known, order in self.orders if known == action)
        before = self._there[order.type, order.name]
        progress = Progress(
            operation_id=order.operation_id, action=action, state="running", phase="fetching", bytes_done=done,
            bytes_total=total,
        )  # fmt: skip
        self._there[order.type, order.name] = msgspec.structs.replace(before, operation=progress)
        await self.report()

    async def _post(self, path: str, body: msgspec.Struct, token: str) -> bytes:
        assert self._session
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        async with self._session.post(self.url + API + path, data=msgspec.json.encode(body), headers=headers) as answer:
            assert answer.ok, await answer.text()
            return await answer.read()

    async def _order(self, request: web.Request) -> web.Response:
        order = msgspec.json.decode(await request.read(), type=Order)
        action: Action = msgspec.convert(request.match_info["action"], Action)
        if all(known.operation_id != order.operation_id for _, known in self.orders):
            self.orders.append((action, order))
            self._tasks.append(asyncio.create_task(self._carry_out(action, order)))
        return _json(Accepted(operation_id=order.operation_id, state="running"), 202)

    async def _carry_out(self, action: Action, order: Order) -> None:
        key, ending = (order.type, order.name), self.endings.get(action, Ending())
        before = self._there.get(key) or InstanceReport(
            type=order.type, name=order.name, status="not-installed", installed=False
        )
        progress = Progress(
            operation_id=order.operation_id,
            action=action,
            state="running",
            phase=PHASES[action],
            started_at=time.time(),
        )
        self._there[key] = msgspec.structs.replace(before, operation=progress)
        await self.report()
        if ending.when:
            await ending.when.wait()
        if order.operation_id in self.cancelled:
            ending = Ending("cancelled", message="the script was ended")
        status = ending.status or (REACHED[action] if ending.state == "succeeded" else before.status)
        installed = status != "not-installed"
        self._there[key] = InstanceReport(type=order.type, name=order.name, status=status, installed=installed)
        outcome = Outcome(
            operation_id=order.operation_id, type=order.type, name=order.name, action=action, state=ending.state,
            status=status, installed=installed, fault=ending.fault, exit_code=ending.exit_code, message=ending.message,
            started_at=progress.started_at, ended_at=time.time(),
        )  # fmt: skip
        await self.report(outcome)

    async def _cancel(self, request: web.Request) -> web.Response:
        identifier = request.match_info["id"]
        action, order = next((action, order) for action, order in self.orders if order.operation_id == identifier)
        self.cancelled.add(identifier)
        ending = self.endings[action].when
        assert ending
        ending.set()
        return _json(Accepted(operation_id=order.operation_id, state="running"), 202)

    async def _check(self, _: web.Request) -> web.Response:
        return _json(Check(code="0", msg="fine"))

    async def _log(self, request: web.Request) -> web.Response:
        """Three bytes at a time, so that whoever reads all of it has asked more than once."""
        if self.mute:
            await asyncio.Event().wait()
        identifier, offset = request.match_info["id"], int(request.query["offset"])
        text = self.logs[identifier]
        until = min(offset + 3, len(text))
        ended = until == len(text) and identifier not in self.unfinished
        piece = {"offset": offset, "next": until, "data": text[offset:until], "ended": ended}
        return web.json_response(piece)


def _json(body: msgspec.Struct, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(body), status=status, content_type="application/json")
