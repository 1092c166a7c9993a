"""A disk that takes long to write the journal: whoever does not need it is served, and nothing is said too early."""

import asyncio
import errno
import json
import os
import signal
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from time import time

import aiohttp
import pytest

from paas_agent import app, process
from paas_agent.contract import Outcome, Report
from paas_agent.instances import Instances
from paas_agent.journal import Journal, Operation, write_whole
from paas_agent.live import Live
from paas_agent.settings import read
from paas_agent.world import World
from tests.agent.harness import SLOW, Agent, Controller, Orders, Repository, end_leftovers, membership, runs, until

RECORD = "database.db1.json"


class Disk:
    """Writes the record of db1 when it may, and fails once it is full."""

    def __init__(self) -> None:
        self.stalls = False
        self.full = False
        self._moves = threading.Event()
        self._moves.set()

    def write(self, path: Path, data: bytes, durable: bool) -> None:
        if path.name == RECORD:
            self.stalls = not self._moves.is_set()
            self._moves.wait()
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write_whole(path, data, durable)

    def stall(self) -> None:
        self._moves.clear()

    def go_on(self) -> None:
        self.stalls = False
        self._moves.set()


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
async def agent(tmp_path: Path, controller: Controller, unused_tcp_port: int, disk: Disk) -> AsyncIterator[Agent]:
    """An agent in this process, whose journal is on that disk."""
    work_dir = tmp_path / "work"
    work_dir.mkdir()
    settings = read(["run", "--work-dir", str(work_dir)], {})
    world = World(time, Random(1), process.spawn, process.boot_id(), write=disk.write)
    joined = membership(controller.url, unused_tcp_port)
    async with aiohttp.ClientSession() as session, app.agent(settings, joined, world):
        yield Agent(work_dir, unused_tcp_port, session)
        disk.go_on()
    end_leftovers(work_dir)


async def test_while_an_order_is_written_everybody_else_is_answered(
    agent: Agent, controller: Controller, disk: Disk, order: Orders
) -> None:
    await agent.order("install", order("first", name="db0"))
    await controller.outcome("first")
    disk.stall()
    sending = [asyncio.ensure_future(agent.send("install", order("op"))) for _ in range(2)]
    await until(lambda: disk.stalls)
    assert (await agent.call("GET", "/ping"))[0] == 200
    assert [shown["name"] for shown in (await agent.call("GET", "/instances"))[1]] == ["db0"]
    for action in ("stop", "check"):
        status, answer = await agent.send(action, order("another"))
        assert (status, answer["error"]["code"]) == (409, "busy")
    reports = len(controller.reports)
    await until(lambda: len(controller.reports) > reports + 1)
    assert not any(one.done() for one in sending)
    assert not (agent.work_dir / "operations" / "op").exists()
    disk.go_on()
    assert await asyncio.gather(*sending) == [(202, {"operation_id": "op", "state": "running"})] * 2
    assert (await controller.outcome("op")).state == "succeeded"


async def test_an_order_that_is_not_written_in_the_end_is_refused_to_all_who_sent_it(
    agent: Agent, controller: Controller, repository: Repository, disk: Disk, order: Orders
) -> None:
    repository.put(install=SLOW)
    wanted = order("op")
    disk.stall()
    sending = [asyncio.ensure_future(agent.send("install", wanted)) for _ in range(2)]
    asking = asyncio.ensure_future(agent.call("GET", "/operations/op"))
    await until(lambda: disk.stalls)
    assert (await agent.call("GET", "/ping"))[0] == 200
    disk.full = True
    disk.go_on()
    assert [(status, answer["error"]["code"]) for status, answer in await asyncio.gather(*sending)] == [
        (507, "disk-full")
    ] * 2
    assert (await asking)[0] == 404
    assert (await agent.call("GET", "/instances"))[1] == []
    disk.full = False
    assert await agent.order("install", wanted) == "op"
    await until(lambda: runs(agent.folder(wanted)) == 1)
    (agent.folder(wanted) / "go").touch()
    assert (await controller.outcome("op")).state == "succeeded"
    assert runs(agent.folder(wanted)) == 1


async def test_an_operation_is_cancelled_while_its_order_is_written(
    agent: Agent, controller: Controller, repository: Repository, disk: Disk, order: Orders
) -> None:
    repository.put(install=SLOW)
    disk.stall()
    sending = asyncio.ensure_future(agent.send("install", order("op")))
    await until(lambda: disk.stalls)
    cancelling = asyncio.ensure_future(agent.call("DELETE", "/operations/op"))
    assert (await agent.call("GET", "/ping"))[0] == 200
    disk.go_on()
    assert [(await one)[0] for one in (sending, cancelling)] == [202, 202]
    assert (await controller.outcome("op")).state == "cancelled"


async def test_a_cancelling_is_answered_when_it_is_written(
    agent: Agent, controller: Controller, repository: Repository, disk: Disk, order: Orders
) -> None:
    repository.stalled.add("install.sh")
    await agent.order("install", order("op"))
    await until(lambda: "install.sh" in repository.asked)
    disk.stall()
    cancelling = asyncio.ensure_future(agent.call("DELETE", "/operations/op"))
    await until(lambda: disk.stalls)
    await served_meanwhile(agent)
    assert not cancelling.done()
    disk.go_on()
    assert (await cancelling)[0] == 202
    assert (await controller.outcome("op")).state == "cancelled"


async def test_an_outcome_is_told_when_it_is_written(
    agent: Agent, controller: Controller, repository: Repository, disk: Disk, order: Orders
) -> None:
    repository.put(install=SLOW)
    wanted = order("op")
    await agent.order("install", wanted)
    await until(lambda: runs(agent.folder(wanted)) == 1)
    disk.stall()
    (agent.folder(wanted) / "go").touch()
    await agent.until("/operations/op", lambda shown: shown["state"] == "succeeded")
    await served_meanwhile(agent)
    assert controller.outcomes == []
    assert all(report.instances[0].status == "not-installed" for report in controller.reports if report.instances)
    disk.go_on()
    await controller.outcome("op")


async def test_a_change_is_told_when_it_is_written(
    agent: Agent, controller: Controller, disk: Disk, order: Orders
) -> None:
    wanted = order("op", believed="stopped", check_interval=3600)
    await agent.order("start", wanted)
    await controller.outcome("op")
    disk.stall()
    os.kill(int((agent.folder(wanted) / "pid").read_text()), signal.SIGKILL)
    await agent.until("/instances", lambda shown: shown[0]["status"] == "failed")
    await served_meanwhile(agent)
    assert ("running", "failed", "exit") not in controller.changes
    disk.go_on()
    await controller.status("failed")
    assert ("running", "failed", "exit") in controller.changes


async def served_meanwhile(agent: Agent) -> None:
    """Gives a report that does not wait all the time it needs to arrive."""
    for _ in range(30):
        assert (await agent.call("GET", "/instances"))[0] == 200


@pytest.fixture
async def instances(tmp_path: Path, disk: Disk) -> AsyncIterator[Instances]:
    journal = Journal(tmp_path, disk.write)
    yield Instances(journal, lambda: 0.0, lambda: None)
    disk.go_on()
    journal.close()


@pytest.fixture
async def live(instances: Instances, order: Orders) -> Live:
    """An instance that runs."""
    live = instances.adopt(order(believed="running"))
    await instances.written()
    return live


def on_disk(tmp_path: Path) -> dict[str, object]:
    record: dict[str, object] = json.loads((tmp_path / "journal" / "instances" / RECORD).read_text())
    return record


async def test_what_is_forgotten_while_it_is_written_does_not_come_back(
    tmp_path: Path, instances: Instances, live: Live, disk: Disk
) -> None:
    disk.stall()
    live.alive = False
    instances.judge(live)
    instances.forget(live)
    instances.save(live)
    disk.go_on()
    instances.journal.close()
    assert list((tmp_path / "journal" / "instances").iterdir()) == []


async def test_an_acknowledgement_does_not_undo_an_order_that_is_written(
    tmp_path: Path, instances: Instances, live: Live, disk: Disk, order: Orders
) -> None:
    await instances.begin(Operation("one", "stop", order("one"), 0.0, "boot"))
    instances.settle(live, outcome("one"), "")
    report = Report(host="h", epoch="e", sequence=1, full=True, sent_at=0)
    instances.fill(report)
    disk.stall()
    beginning = asyncio.ensure_future(instances.begin(Operation("two", "start", order("two"), 0.0, "boot")))
    await until(lambda: instances.in_flight(live.key))
    instances.acknowledge(report)
    disk.go_on()
    await beginning
    await instances.written()
    assert on_disk(tmp_path)["operation"] is not None
    instances.acknowledge(report)
    await instances.written()
    written = on_disk(tmp_path)
    assert written["operation"] is not None
    assert [ended["acknowledged"] for ended in written["ended"]] == [True]  # type: ignore[attr-defined]


async def test_an_exit_while_an_order_is_written_in_vain_counts_afterwards(
    tmp_path: Path, instances: Instances, live: Live, disk: Disk, order: Orders
) -> None:
    disk.stall()
    beginning = asyncio.ensure_future(instances.begin(Operation("op", "stop", order("op"), 0.0, "boot")))
    await until(lambda: instances.in_flight(live.key))
    live.alive = False
    instances.judge(live)
    assert live.record.status == "running"
    disk.full = True
    disk.go_on()
    with pytest.raises(OSError, match="No space left"):
        await beginning
    assert (live.record.operation, live.record.status) == (None, "failed")
    disk.full = False
    instances.save(live)
    await instances.written()
    assert (on_disk(tmp_path)["operation"], on_disk(tmp_path)["status"]) == (None, "failed")


async def test_an_order_that_comes_again_in_the_moment_it_is_written_waits_until_it_is_known(
    instances: Instances, order: Orders, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = asyncio.get_running_loop().create_future()
    monkeypatch.setattr(instances.journal, "save", lambda _: written)
    beginning = asyncio.ensure_future(instances.begin(Operation("op", "install", order("op"), 0.0, "boot")))
    await until(lambda: instances.in_flight(("database", "db1")))
    written.set_result(None)
    await instances.arrival("op")  # before those who wait for the disk have gone on
    assert instances.find_operation("op")
    await beginning


def outcome(operation_id: str) -> Outcome:
    return Outcome(
        operation_id=operation_id,
        type="database",
        name="db1",
        action="stop",
        state="succeeded",
        status="stopped",
        installed=True,
    )
