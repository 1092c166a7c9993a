"""The agent as a program, its controller, its repository, and orders for it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import msgspec
import pytest
from aiohttp import web

from paas_agent.contract import Order
from paas_agent.journal import write_whole
from tests.agent.harness import (
    CHECK_PROCESS,
    SERVICE,
    Agent,
    Controller,
    Orders,
    Repository,
    end_leftovers,
    membership,
    served,
)

asyncio.set_event_loop(None)  # else pytest-asyncio makes one that nobody closes, when the first test is a plain one


@pytest.fixture
async def controller() -> AsyncIterator[Controller]:
    controller = Controller()
    base = "/apis/v1alpha1/agents"
    routes = (web.post(f"{base}/join", controller.join), web.post(f"{base}/report", controller.report))
    async with served(*routes) as controller.url:
        yield controller


@pytest.fixture
async def repository() -> AsyncIterator[Repository]:
    repository = Repository()
    repository.put(install="exit 0", start=SERVICE, check=CHECK_PROCESS, uninstall="exit 0")
    repository.put(stop='kill "$(cat "$INSTANCE_DIR/pid")"; rm -f "$INSTANCE_DIR/pid"')
    async with served(web.get("/db/{name}", repository.get)) as url:
        repository.url = f"{url}/db/"
        yield repository
        repository.stalled.clear()


@pytest.fixture
def order(repository: Repository) -> Orders:
    """Makes orders for one database."""

    def make(operation_id: str = "", **fields: object) -> Order:
        scripts = {name: f"{name}.sh" for name in ("install", "start", "stop", "check", "uninstall")}
        given = {"name": "db1", "type": "database", "repo_url": repository.url, **scripts, **fields}
        return Order(operation_id=operation_id, **given)

    return make


@pytest.fixture
async def idle_agent(tmp_path: Path, controller: Controller, unused_tcp_port: int) -> AsyncIterator[Agent]:
    """An agent that has joined, and does not run yet. What its scripts left running is ended with the test."""
    async with aiohttp.ClientSession() as session:
        agent = Agent(tmp_path / "work", unused_tcp_port, session, log=tmp_path / "agent.log")
        agent.work_dir.mkdir(mode=0o700, exist_ok=True)
        write_whole(agent.work_dir / "agent.json", msgspec.json.encode(membership(controller.url, unused_tcp_port)))
        yield agent
        if agent.process is not None:
            await agent.stop()
        end_leftovers(agent.work_dir)


@pytest.fixture
async def agent(idle_agent: Agent) -> Agent:
    """An agent that has joined and runs."""
    await idle_agent.start()
    return idle_agent
