"""A clock that somebody sets, forward or back, while the agent runs."""

from collections.abc import AsyncIterator
from datetime import datetime, tzinfo
from pathlib import Path
from random import Random
from time import time

import aiohttp
import apscheduler.schedulers.base
import pytest

from paas_agent import app, process
from paas_agent.settings import read
from paas_agent.world import World
from tests.agent.harness import GOOD, Agent, Controller, Orders, Repository, end_leftovers, membership, until

HOUR = 3600.0


class Clock:
    """Shows the time, and how far somebody has set it `ahead`."""

    ahead = 0.0

    def now(self) -> float:
        return time() + self.ahead


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the agent, and of its scheduler, which takes none."""
    clock = Clock()

    class Shown(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.fromtimestamp(clock.now(), tz)

    monkeypatch.setattr(apscheduler.schedulers.base, "datetime", Shown)
    return clock


@pytest.fixture
async def agent(tmp_path: Path, controller: Controller, unused_tcp_port: int, clock: Clock) -> AsyncIterator[Agent]:
    """An agent in this process, which goes by that clock."""
    work_dir = tmp_path / "work"
    work_dir.mkdir()
    settings = read(["run", "--work-dir", str(work_dir)], {})
    world = World(clock.now, Random(1), process.spawn, process.boot_id())
    joined = membership(controller.url, unused_tcp_port)
    async with aiohttp.ClientSession() as session, app.agent(settings, joined, world):
        yield Agent(work_dir, unused_tcp_port, session)
    end_leftovers(work_dir)


@pytest.mark.parametrize("set_by", [-1 * HOUR, 1 * HOUR, 24 * 365 * HOUR])
async def test_checks_go_on_when_the_clock_is_set(
    agent: Agent, repository: Repository, clock: Clock, order: Orders, set_by: float
) -> None:
    repository.put(check="echo made >> checks\n" + GOOD)
    wanted = order(believed="stopped", check_interval=1)
    await agent.send("check", wanted)

    def made() -> int:
        return (agent.folder(wanted) / "checks").read_text().count("made")

    await until(lambda: made() == 2)
    clock.ahead = set_by
    before = made()
    await until(lambda: made() >= before + 3, seconds=8)
