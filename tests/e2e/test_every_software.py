"""Every software of the repository through controller and agent: two instances side by side."""

import os
import pwd
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.testbeds.account import command_as
from tests.testbeds.memory import memory
from tests.testbeds.ports import free_port
from tests.testbeds.stack import REPO, Agent, Stack, until

pytestmark = pytest.mark.asyncio(loop_scope="module")
ACCOUNTS = ("", "nobody") if os.geteuid() == 0 else ("",)


@dataclass(frozen=True)
class Row:
    """A software: its kind, its folder in the repository, what it is told, and which keys of that are ports."""

    kind: str
    folder: str
    metadata: tuple[tuple[str, str], ...] = ()
    ports: tuple[str, ...] = ("PORT",)
    slow: bool = False

    def __str__(self) -> str:
        return self.folder.replace("/", "-")


SOFTWARE = (
    Row("database", "redis/7.0", (("PASSWORD", "pass word"),)),
    Row("database", "postgresql/15", (("PASSWORD", "pass word"),)),
    Row("database", "mariadb/10.11", (("PASSWORD", "pass word"),)),
    Row("middleware", "nginx/1.22"),
    Row("middleware", "tomcat/10", slow=True),
    Row(
        "middleware",
        "rabbitmq/3.10",
        (("PASSWORD", "pass word"), ("BIND", "127.0.0.1")),
        ("PORT", "CONTROL_PORT"),
        True,
    ),
)


CASES = [(account, row) for account in ACCOUNTS for row in SOFTWARE if account == ACCOUNTS[-1] or not row.slow]
"""Each account with each software, but those whose starts take seconds with one."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack() -> AsyncIterator[Stack]:
    """In a folder that every account may enter; pytest's own is closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="every-software-", dir=memory(room=8))).resolve()
    folder.chmod(0o755)
    async with Stack(folder, REPO, report_interval="1") as stack:
        yield stack
    shutil.rmtree(folder)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def agent(request: pytest.FixtureRequest, stack: Stack) -> Agent:
    """An agent that runs as this account."""
    agent = await stack.add_agent(start=False)
    if request.param:
        account = pwd.getpwnam(request.param)
        for path in (agent.work_dir, *agent.work_dir.rglob("*")):
            os.chown(path, account.pw_uid, account.pw_gid)
        agent.arguments = command_as(request.param, agent.arguments)
    await stack.start_agent(agent)
    return agent


@dataclass
class Instance:
    """One instance of a software, and what is done with it."""

    stack: Stack
    agent: Agent
    row: Row
    name: str
    ports: dict[str, str]

    @property
    def path(self) -> str:
        return f"/{self.row.kind}/{self.name}"

    async def create(self) -> None:
        body = self.stack.body(self.name, self.row.folder, self.agent, **dict(self.row.metadata), **self.ports)
        body["app"] |= {"status": {"expect": "running"}, "check_interval": 1, "self_heal": "always"}
        code, answer = await self.stack.call("POST", f"/{self.row.kind}/create", body)
        assert code == 201, answer

    async def wish(self, word: str, realtime: str) -> None:
        code, answer = await self.stack.call("PUT", f"{self.path}/{word}")
        assert code == 202, answer
        await self.becomes(realtime)

    async def becomes(self, realtime: str) -> None:
        await self.stack.becomes(self.row.kind, self.name, realtime, 120)

    @property
    def pid(self) -> int:
        return self.agent.pid_of(self.row.kind, self.name)

    async def is_another(self, before: int) -> None:
        """Waits until it runs as another process."""

        async def healed() -> bool:
            return await self.stack.realtime(self.row.kind, self.name) == "running" and self.pid != before

        await until(healed, f"{self.name} to run anew", 120)

    async def delete(self, **metadata: str) -> None:
        """Uninstalls it with this metadata, and waits until it is forgotten."""
        _, record = await self.stack.call("GET", self.path)
        record["app"]["metadata"] |= metadata
        code, answer = await self.stack.call("PUT", self.path, record)
        assert code == 200, answer
        await self.stack.call("DELETE", f"{self.path}?uninstall=true")

        async def forgotten() -> bool:
            return (await self.stack.call("GET", self.path))[0] == 404

        await until(forgotten, f"{self.name} to be forgotten", 120)


def _data(instance: Instance) -> list[Path]:
    """The files below the instance's folders of data, and of logs."""
    folder = instance.agent.instance_dir(instance.row.kind, instance.name)
    return [path for name in ("data", "log") for path in (folder / name).rglob("*") if path.is_file()]


@pytest.mark.parametrize(("agent", "row"), CASES, indirect=["agent"], ids=lambda value: str(value) or "oneself")
async def test_its_whole_life(stack: Stack, agent: Agent, row: Row) -> None:
    number = stack.agents.index(agent)
    first, second = (
        Instance(stack, agent, row, f"{row}-{number}-{index}", {key: str(free_port()) for key in row.ports})
        for index in range(2)
    )
    for instance in (first, second):
        await instance.create()
    for instance in (first, second):
        await instance.becomes("running")
    before, untouched = first.pid, second.pid
    os.kill(before, signal.SIGKILL)
    await first.is_another(before)
    before = first.pid
    await first.wish("restart", "running")
    await first.is_another(before)
    await first.wish("stopped", "stopped")
    await first.wish("running", "running")
    await first.wish("not-installed", "not-installed")
    kept = _data(first)
    await first.wish("running", "running")
    assert second.pid == untouched
    assert kept, f"uninstalling {row} kept no data"
    for instance in (first, second):
        await instance.delete(PURGE_DATA="true")
        assert _data(instance) == []
    await _nothing_failed_but_what_was_killed(stack, first, second)


async def _nothing_failed_but_what_was_killed(stack: Stack, *instances: Instance) -> None:
    for instance in instances:
        _, events = await stack.call("GET", f"{instance.path}/events?limit=1000")
        failed: list[dict[str, Any]] = [event for event in events["items"] if event["to"] == "failed"]
        sentences = [event["sentence"] for event in failed]
        assert len(failed) == (1 if instance is instances[0] else 0), sentences
