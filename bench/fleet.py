"""Simulated agents, many in one process: the real contract over real sockets, to the controller as shipped."""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import msgspec

from paas_agent.contract import Check, InstanceReport, Join, Joined, Report
from tests.testbeds.stack import API, Stack

_PARALLEL = 50


@dataclass(slots=True)
class SimulatedAgent:
    """One host with its instances; all of them run, and their checks are good."""

    address: str
    port: int
    token: str = ""
    sequence: int = 0
    names: list[str] = field(default_factory=list)

    @property
    def host(self) -> str:
        return f"{self.address}:{self.port}"

    def report(self) -> bytes:
        self.sequence += 1
        check = Check(code="0", msg="PONG", at=time.time(), streak=self.sequence)
        seen = [
            InstanceReport(type="database", name=name, status="running", installed=True, alive=True, check=check)
            for name in self.names
        ]
        return msgspec.json.encode(
            Report(host=self.host, epoch="e", sequence=self.sequence, full=True, sent_at=time.time(), instances=seen)
        )


async def fleet(stack: Stack, agents: int, instances: int, *, port: int = 9) -> list[SimulatedAgent]:
    """Enrols so many agents with so many adopted, running instances each."""
    made = [SimulatedAgent(f"127.1.{number // 250}.{number % 250 + 1}", port) for number in range(agents)]
    async with aiohttp.ClientSession() as session:
        await _all(_enrol(stack, session, agent, number, instances) for number, agent in enumerate(made))
    return made


async def _all(jobs: Iterable[Any]) -> None:
    gate = asyncio.Semaphore(_PARALLEL)

    async def one(job: Any) -> None:
        async with gate:
            await job

    await asyncio.gather(*(one(job) for job in jobs))


async def _enrol(stack: Stack, session: aiohttp.ClientSession, agent: SimulatedAgent, number: int, count: int) -> None:
    _, answer = await stack.call("POST", "/hosts/join-tokens")
    join = Join(join_token=answer["join_token"], address=agent.address, port=str(agent.port))
    async with session.post(f"{stack.url}{API}/agents/join", data=msgspec.json.encode(join)) as response:
        agent.token = msgspec.json.decode(await response.read(), type=Joined).agent_token
    agent.names = [f"i{number}-{index}" for index in range(count)]
    for name in agent.names:
        status, answer = await stack.call("POST", "/database/create", _body(name, agent))
        assert status == 201, answer
    await send(stack, session, agent)


async def send(stack: Stack, session: aiohttp.ClientSession, agent: SimulatedAgent) -> None:
    """One report of this agent."""
    headers = {"Authorization": f"Bearer {agent.token}"}
    async with session.post(f"{stack.url}{API}/agents/report", data=agent.report(), headers=headers) as response:
        assert response.status == 202, await response.text()


async def keep_reporting(stack: Stack, agents: list[SimulatedAgent], interval: float = 5.0) -> None:
    """All agents report once an interval, evenly spread, until cancelled."""
    async with aiohttp.ClientSession() as session:
        while True:
            for agent in agents:
                began = time.monotonic()
                await send(stack, session, agent)
                await asyncio.sleep(max(0.0, interval / len(agents) - (time.monotonic() - began)))


def _body(name: str, agent: SimulatedAgent) -> dict[str, Any]:
    scripts = {action: f"{action}.sh" for action in ("install", "start", "stop", "check", "uninstall")}
    app = {"repo_url": "http://127.0.0.1:9/", **scripts, "status": {"expect": "running", "realtime": "running"}}
    return {"name": name, "host": [{"ip": agent.address, "agent_port": agent.port}], "app": app}
