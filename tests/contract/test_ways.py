"""Over HTTP and down a tunnel the controller asks the same agent the same things, and gets the same answers."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import aiohttp
import msgspec
import pytest
from aiohttp import web

from paas_agent import frames
from paas_agent.contract import Acknowledged, Order, Report
from paas_agent.frames import Answered, Asked
from paas_agent.journal import write_whole
from paas_controller.base.errors import Conflict, NotFound, Refused, Retryable
from paas_controller.hosts.agents import Agents, JournalReplaced
from paas_controller.hosts.tunnel.tunnel import Tunnel
from paas_controller.hosts.ways import Reach
from tests.agent.harness import CHECK_PROCESS, SLOW, TOKEN, Agent, Repository, end_leftovers, membership, served, until

REPORT = "/apis/v1alpha1/agents/report"


@dataclass
class Desk:
    """As much of a controller as it takes to be asked and to ask: reports over both ways, and one tunnel."""

    url: str = ""
    tunnel: Tunnel | None = None
    last: Report | None = None
    sequence: int = 0

    def take(self, body: bytes) -> bytes:
        self.last = msgspec.json.decode(body, type=Report)
        self.sequence = max(self.sequence, self.last.sequence)
        return msgspec.json.encode(Acknowledged(acknowledged=self.sequence, interval=0.5, tunnel=True))

    async def report(self, request: web.Request) -> web.Response:
        return web.Response(status=202, body=self.take(await request.read()))

    async def answer(self, asked: Asked) -> Answered:
        assert (asked.method, asked.path) == ("POST", REPORT)
        return Answered(number=asked.number, status=202, body=self.take(asked.body))

    async def door(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(max_msg_size=frames.LARGEST)
        await socket.prepare(request)
        self.tunnel = Tunnel(socket, "the host", "", self.answer)
        await self.tunnel.serve()
        return socket


@dataclass
class Asking:
    """The controller's words for an agent, by one of the ways."""

    agents: Agents
    to: Reach
    desk: Desk
    agent: Agent
    repository: Repository

    def order(self, operation_id: str = "", **fields: object) -> Order:
        scripts = {name: f"{name}.sh" for name in ("install", "start", "stop", "check", "uninstall")}
        given = {"name": "db1", "type": "database", "repo_url": self.repository.url, **scripts, **fields}
        return Order(operation_id=operation_id, **given)

    async def ended(self, operation_id: str) -> str:
        """The state in which it ended."""
        found: list[str] = []

        async def look() -> None:
            _, shown = await self.agent.call("GET", f"/operations/{operation_id}")
            found[:] = [shown["state"]] if shown.get("ended_at") else []

        async with asyncio.timeout(20):
            while not found:
                await look()
                await asyncio.sleep(0.02)
        return found[0]


@pytest.fixture
async def repository() -> AsyncIterator[Repository]:
    repository = Repository()
    repository.put(install="echo installed", check=CHECK_PROCESS, uninstall="exit 0", stop="exit 0", start="exit 0")
    async with served(web.get("/db/{name}", repository.get)) as url:
        repository.url = f"{url}/db/"
        yield repository


@pytest.fixture(params=["direct", "tunnel"])
async def asking(
    request: pytest.FixtureRequest, tmp_path: Path, repository: Repository, unused_tcp_port: int
) -> AsyncIterator[Asking]:
    way: Literal["direct", "tunnel"] = request.param
    desk = Desk()
    routes = web.post(REPORT, desk.report), web.get(frames.PATH, desk.door)
    async with aiohttp.ClientSession() as session, served(*routes) as url:
        agent = Agent(tmp_path / "work", unused_tcp_port, session, log=tmp_path / "agent.log")
        agent.work_dir.mkdir(mode=0o700)
        write_whole(agent.work_dir / "agent.json", msgspec.json.encode(membership(url, unused_tcp_port)))
        await agent.start()
        await until(lambda: desk.tunnel)
        nowhere = "http://127.0.0.1:9"
        to = Reach("127.0.0.1:9", nowhere if way == "tunnel" else agent.url, TOKEN, way=way, line=desk.tunnel)
        yield Asking(Agents(session, lambda _: None), to, desk, agent, repository)
        await agent.stop()
        end_leftovers(agent.work_dir)


async def test_an_order_is_taken_and_the_same_again_is_the_same_work(asking: Asking) -> None:
    asking.repository.put(install=SLOW)
    order = asking.order("op")
    first = await asking.agents.order(asking.to, "install", order)
    assert first.operation_id == "op"
    again = await asyncio.gather(*(asking.agents.order(asking.to, "install", order) for _ in range(50)))
    assert {accepted.operation_id for accepted in again} == {"op"}
    (asking.agent.folder(order) / "go").touch()
    assert await asking.ended("op") == "succeeded"
    assert (asking.agent.folder(order) / "runs").read_text() == "begun\n"


async def test_an_order_for_another_journal_is_told_apart(asking: Asking) -> None:
    with pytest.raises(JournalReplaced):
        await asking.agents.order(asking.to, "install", asking.order("op", epoch="an older one"))
    assert asking.desk.last
    await asking.agents.order(asking.to, "install", asking.order("op", epoch=asking.desk.last.epoch))


async def test_what_is_no_order_is_refused_for_good_with_the_agents_sentence(asking: Asking) -> None:
    with pytest.raises(Refused, match="name"):
        await asking.agents.order(asking.to, "install", asking.order("op", name="../../etc"))


async def test_a_second_operation_beside_one_in_flight_is_a_conflict(asking: Asking) -> None:
    asking.repository.put(install=SLOW)
    await asking.agents.order(asking.to, "install", asking.order("op"))
    with pytest.raises(Conflict):
        await asking.agents.order(asking.to, "start", asking.order("another"))
    with pytest.raises(Conflict, match="no check runs beside it"):
        await asking.agents.check(asking.to, asking.order())


async def test_a_check_makes_the_agent_know_the_instance(asking: Asking) -> None:
    await asking.agents.check(asking.to, asking.order(believed="running"))
    _, there = await asking.agent.call("GET", "/instances")
    assert [instance["name"] for instance in there] == ["db1"]


async def test_a_cancelled_operation_ends_and_an_unknown_one_is_not_found(asking: Asking) -> None:
    asking.repository.put(install=SLOW)
    await asking.agents.order(asking.to, "install", asking.order("op"))
    await asking.agents.cancel(asking.to, "op")
    assert await asking.ended("op") == "cancelled"
    with pytest.raises(NotFound):
        await asking.agents.cancel(asking.to, "none")


async def test_the_log_is_read_from_an_offset(asking: Asking) -> None:
    await asking.agents.order(asking.to, "install", asking.order("op"))
    assert await asking.ended("op") == "succeeded"
    piece = json.loads(await asking.agents.log(asking.to, "op", 2))
    assert (piece["data"], piece["ended"]) == ("stalled\n", True)
    with pytest.raises(NotFound):
        await asking.agents.log(asking.to, "none", 0)


async def test_a_wrong_token_is_refused(asking: Asking) -> None:
    to = Reach(asking.to.host, asking.to.url, "wrong", way=asking.to.way, line=asking.to.line)
    with pytest.raises(Retryable, match="does not know our token"):
        await asking.agents.order(to, "install", asking.order("op"))


async def test_the_largest_order_gets_through(asking: Asking) -> None:
    order = asking.order("op", metadata={f"A{number}": "x" * 30_000 for number in range(34)})
    assert (await asking.agents.order(asking.to, "install", order)).operation_id == "op"
