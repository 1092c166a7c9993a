"""Cancelling at every moment: an operation always ends, as cancelled or as what it had become by then."""

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from random import Random
from time import time
from typing import NoReturn

import aiohttp
import pytest

from paas_agent import app, output, process
from paas_agent.checks import Checks
from paas_agent.contract import Order
from paas_agent.instances import Instances
from paas_agent.journal import Journal
from paas_agent.operations import Operations
from paas_agent.packages import Packages
from paas_agent.performer import Performer
from paas_agent.settings import read
from paas_agent.watch import Watch
from paas_agent.world import World
from tests.agent.harness import Agent, Controller, Orders, Repository, alive, end_leftovers, membership, until

LOUD = "head -c 3000000 /dev/zero"


class Trimming:
    """Starts processes; those that trim an output wait until they are let go, or cannot be started at all."""

    def __init__(self, folder: Path) -> None:
        self.go = folder / "go"
        self.fails = False
        self.pids: list[int] = []

    def spawn(self, argv: tuple[str, ...], environment: Mapping[str, str], stdio: tuple[int, int, int]) -> int:
        if "punch-hole" not in argv[2]:
            return process.spawn(argv, environment, stdio)
        if self.fails:
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        waiting = f'while [ ! -e "{self.go}" ]; do sleep 0.02; done; {argv[2]}'
        self.pids.append(process.spawn((*argv[:2], waiting, *argv[3:]), environment, stdio))
        return self.pids[-1]


@pytest.fixture
def trimming(tmp_path: Path) -> Trimming:
    return Trimming(tmp_path)


@pytest.fixture
def world(trimming: Trimming) -> World:
    return World(time, Random(1), trimming.spawn, process.boot_id())


@pytest.fixture
async def agent(tmp_path: Path, controller: Controller, unused_tcp_port: int, world: World) -> AsyncIterator[Agent]:
    """An agent in this process, which trims as it is told."""
    work_dir = tmp_path / "work"
    work_dir.mkdir()
    settings = read(["run", "--work-dir", str(work_dir)], {})
    joined = membership(controller.url, unused_tcp_port)
    async with aiohttp.ClientSession() as session, app.agent(settings, joined, world):
        yield Agent(work_dir, unused_tcp_port, session)
    end_leftovers(work_dir)


async def test_a_script_that_has_ended_is_not_cancelled_while_its_output_is_trimmed(
    agent: Agent, controller: Controller, repository: Repository, trimming: Trimming, order: Orders
) -> None:
    repository.put(install=LOUD, check="exit 1")
    await agent.order("install", order("op"))
    ended = agent.work_dir / "operations" / "op" / "install.exit"
    await until(lambda: ended.exists() and trimming.pids)
    for _ in range(2):
        assert (await agent.call("DELETE", "/operations/op"))[0] == 202
    trimming.go.touch()
    assert (await controller.outcome("op")).state == "succeeded"
    await agent.order("stop", order("next"))


async def test_an_output_that_cannot_be_trimmed_keeps_no_operation_from_its_end(
    agent: Agent, controller: Controller, repository: Repository, trimming: Trimming, order: Orders
) -> None:
    trimming.fails = True
    repository.put(install=LOUD)
    await agent.order("install", order("op"))
    assert (await controller.outcome("op")).state == "succeeded"


async def test_whoever_is_told_to_end_takes_the_trimming_along(trimming: Trimming, tmp_path: Path) -> None:
    path = tmp_path / "output"
    path.write_bytes(b"x" * 3_000_000)
    task = asyncio.create_task(output.trim(path, trimming.spawn))
    await until(lambda: trimming.pids)
    task.cancel()
    await asyncio.wait([task])
    assert not alive(trimming.pids[0])
    with pytest.raises(ChildProcessError):
        os.waitpid(trimming.pids[0], os.WNOHANG)


async def test_an_operation_is_cancelled_before_its_first_step(tmp_path: Path, world: World, order: Orders) -> None:
    async with aiohttp.ClientSession() as session:
        instances = Instances(Journal(tmp_path), time, lambda: None)
        packages = Packages(tmp_path / "cache", session, own=lambda _: None)
        watch = Watch(instances, world.boot)

        async def no_script(_order: Order) -> NoReturn:
            raise AssertionError("nothing is checked before something was installed")

        checks = Checks(instances, watch, no_script, world)
        performer = Performer(world, instances.journal, packages, watch, checks, lambda: None)
        operations = Operations(world, instances, watch, checks, performer)
        await operations.accept(order("op"), "install")
        await operations.cancel("op")
        await until(lambda: instances.ended_operations() == ["op"])
        assert operations.ended == {"cancelled": 1}
        instances.journal.close()
