"""The controller in this process, with a clock of the test's."""

import io
import json
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from aiohttp.test_utils import TestServer
from yarl import URL

from paas_agent.contract import Kind
from paas_controller.app import controller
from paas_controller.base.settings import Settings
from paas_controller.events.routes import Pace
from tests.controller.openapi.document import Judge
from tests.testbeds.stack import API
from tests.testbeds.stack import until as look_until

_judges: dict[bool, Judge] = {}
"""By whether there is a repository, which the document tells of then."""
MORNING = datetime(2026, 6, 28, 10, tzinfo=UTC).timestamp()


@dataclass
class Clock:
    """Stands still until the test moves it: time passes as `now` grows, `is_set` by somebody is none that passed."""

    now: float = MORNING
    _set_by: float = 0.0

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now - self._set_by

    def is_set(self, seconds: float) -> None:
        """By so much forward, or back."""
        self.now += seconds
        self._set_by += seconds


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any
    headers: Any

    @property
    def message(self) -> str:
        return str(self.body["error"]["message"])


async def until(holds: Callable[[], object], what: str) -> None:
    """Waits until it holds."""

    async def look() -> bool:
        return bool(holds())

    await look_until(look, what, 5)


def body(name: str = "db", *hosts: str, **app: Any) -> dict[str, Any]:
    """A create body; `hosts` are `address:port`."""
    named = [{"ip": host.split(":")[0], "agent_port": int(host.split(":")[1])} for host in hosts]
    scripts = {action: f"{action}.sh" for action in ("install", "start", "stop", "restart", "check", "uninstall")}
    return {
        "name": name,
        "host": named or [{"ip": "192.168.19.100"}],
        "app": {"repo_url": "http://192.168.19.200/", **scripts, **app},
    }


def whole(path: str) -> str:
    """What is meant by a path that begins below the API's prefix, or with `//` at the root."""
    return path[1:] if path.startswith("//") else API + path


@dataclass
class Shell:
    """A controller that can be stopped and started again on what it has kept in its folder."""

    folder: Path
    clock: Clock = field(default_factory=Clock)
    settings: dict[str, Any] = field(default_factory=dict)
    pace: Pace | None = None

    @property
    def database_url(self) -> str:
        return str(self.settings["database_url"])

    async def start(self) -> None:
        self._stack = AsyncExitStack()
        chosen = {"time_zone": "UTC", "report_interval": 0.1, "data_dir": self.folder} | self.settings
        app = await self._stack.enter_async_context(controller(Settings(**chosen), self.clock, self.pace))
        server = TestServer(app)
        self._stack.push_async_callback(server.close)
        await server.start_server(access_log=None)
        self.address = server.make_url("")
        session = aiohttp.ClientSession(headers={"User-Agent": "test"})
        self._session = await self._stack.enter_async_context(session)
        self.token = (self.folder / "admin.token").read_text()
        await self._learn()

    async def _learn(self) -> None:
        """Reads the API's document, once for all tests: every answer is held to it."""
        self._judge: Judge | None = None
        has_repository = "repo_dir" in self.settings
        if has_repository not in _judges:
            _judges[has_repository] = Judge((await self.get("//openapi.json")).body)
        self._judge = _judges[has_repository]

    async def stop(self) -> None:
        await self._stack.aclose()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def call(
        self, method: str, path: str, body: Any = None, *, token: str | None = None, headers: Any = None
    ) -> Answer:
        """`path` is as `whole` takes it. Without a token it is the administrator's."""
        base = str(self.address).rstrip("/")
        url = URL(base + whole(path), encoded=True)
        token = self.token if token is None else token
        headers = ({"Authorization": f"Bearer {token}"} if token else {}) | (headers or {})
        data = body if isinstance(body, bytes | None) else io.BytesIO(msgspec.json.encode(body))
        async with self._session.request(method, url, data=data, headers=headers) as response:
            said = await response.read()
            is_json = response.content_type == "application/json" and said
            body = json.loads(said) if is_json else said
            if self._judge is not None:
                self._judge.look(method, url.path, response.status, body)
            return Answer(response.status, body, response.headers)

    async def get(self, path: str, **more: Any) -> Answer:
        return await self.call("GET", path, **more)

    async def post(self, path: str, body: Any = None, **more: Any) -> Answer:
        return await self.call("POST", path, body, **more)

    async def put(self, path: str, body: Any = None, **more: Any) -> Answer:
        return await self.call("PUT", path, body, **more)

    async def delete(self, path: str, **more: Any) -> Answer:
        return await self.call("DELETE", path, **more)

    async def token_of(self, role: str) -> str:
        return str((await self.post("/tokens", {"name": f"some-{role}", "role": role})).body["token"])

    async def create(self, *hosts: str, name: str = "db", kind: Kind = "database", **app: Any) -> None:
        created = await self.post(f"/{kind}/create", body(name, *hosts, **app))
        assert created.status == 201, created.body

    async def status(self, name: str = "db", kind: Kind = "database") -> tuple[str, str]:
        """Expected, and there."""
        found = (await self.get(f"/{kind}/{name}/status")).body["status"]
        return found["expect"], found["realtime"]

    async def member(self, name: str = "db", kind: Kind = "database") -> Any:
        """The first member, as the record shows it."""
        return (await self.get(f"/{kind}/{name}")).body["members"][0]

    async def becomes(self, realtime: str, name: str = "db") -> None:
        async def look() -> bool:
            return (await self.status(name))[1] == realtime

        await look_until(look, f"{name} to be {realtime}", 5)

    async def ended(self, name: str = "db") -> Any:
        """The last operation that has ended, once there is one."""
        ended: list[Any] = []

        async def look() -> bool:
            shown = (await self.get(f"/database/{name}/operations")).body["items"]
            ended[:] = [operation for operation in shown if operation["ended_at"]]
            return bool(ended)

        await look_until(look, "an operation to end", 5)
        return ended[0]
