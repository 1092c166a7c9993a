"""A host that can only call out: all that is done with a host is done through the tunnel that its agent keeps."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.e2e.tiny import publish
from tests.packaging.joined import CONTROL, DEB, INSTANCE, PORT, HostsStack, Joined
from tests.testbeds.hosts.bed import Bed
from tests.testbeds.stack import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATIENCE = 1.5
"""Seconds: three intervals."""


class Hidden(Joined):
    """Its agent listens on loopback alone, and nothing gets into the host."""

    @property
    def id(self) -> str:
        return f"{self.host.address}:{PORT}"

    async def join(self) -> None:
        _, answer = await self.stack.call("POST", "/hosts/join-tokens")
        token = f"PAAS_AGENT_JOIN_TOKEN={answer['join_token']}"
        join = f"paas-agent join --tunnel --work-dir /var/lib/paas-agent --controller {self.stack.url}"
        await self.run(f"runuser -u paas-agent -- env {token} {join}")
        await self.run("systemctl start paas-agent")
        await self.has_its_tunnel()

    async def shown(self) -> dict[str, Any]:
        status, shown = await self.stack.call("GET", f"/hosts/{self.id}")
        assert status == 200, shown
        return dict(shown)

    async def has_its_tunnel(self) -> None:
        async def open_now() -> bool:
            return bool((await self.shown())["tunnel"])

        await until(open_now, f"the tunnel of {self.id}")

    async def becomes(self, state: str) -> None:
        async def there() -> bool:
            return bool((await self.shown())["state"] == state)

        await until(there, f"{self.id} to be {state}")

    async def create(self, name: str) -> "Database":
        await self.run(f"install -d -o paas-agent {CONTROL}/{name}")
        body = self.stack.body(name, "tiny", CONTROL=f"{CONTROL}/{name}")
        body["host"] = [{"ip": self.host.address, "agent_port": PORT}]
        body["app"] |= {"package": "", "restart": "", "check_interval": 1}
        status, answer = await self.stack.call("POST", "/database/create", body)
        assert status == 201, answer
        return Database(self, name)


class Database:
    """An instance of the tiny software on that host."""

    def __init__(self, on: Hidden, name: str) -> None:
        self.on, self.name, self._control = on, name, f"{CONTROL}/{name}"

    async def wish(self, word: str) -> None:
        status, answer = await self.on.stack.call("PUT", f"/database/{self.name}/{word}")
        assert status == 202, answer

    async def becomes(self, realtime: str) -> None:
        await self.on.stack.becomes("database", self.name, realtime)

    async def get(self, what: str) -> Any:
        status, answer = await self.on.stack.call("GET", f"/database/{self.name}{what}")
        assert status == 200, answer
        return answer

    async def last(self) -> dict[str, Any]:
        """Its newest operation."""
        return dict((await self.get("/operations?limit=1"))["items"][0])

    async def runs(self) -> list[str]:
        """The scripts that were begun."""
        return (await self.on.run(f"cat {self._control}/runs 2>/dev/null || true")).split()

    async def began(self, *actions: str) -> None:
        async def begun() -> bool:
            return await self.runs() == list(actions)

        await until(begun, f"{self.name} to have begun {actions}, and no other")

    async def hold(self, action: str) -> None:
        await self.on.run(f"touch {self._control}/hold.{action}")

    async def release(self, action: str) -> None:
        await self.on.run(f"rm {self._control}/hold.{action}")

    async def overlaps(self) -> str:
        return await self.on.run(f"cat {self._control}/overlaps 2>/dev/null || true")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hidden(bed: Bed, packages: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hidden]:
    folder = tmp_path_factory.mktemp("stack")
    publish(folder / "repo" / "tiny")
    [host] = bed.add()
    async with HostsStack(folder, folder / "repo", bed.address, report_interval=str(PATIENCE / 3)) as stack:
        hidden = Hidden(stack, host)
        await hidden.put(DEB, packages)
        host.drop_inbound()
        await hidden.join()
        yield hidden
        for log in folder.glob("*.log"):
            assert "Traceback" not in log.read_text(), log
    host.erase()


async def test_everything_that_is_done_with_a_host_is_done_through_its_tunnel(hidden: Hidden) -> None:
    db = await hidden.create("whole")
    await db.wish("running")
    await db.becomes("running")
    await hidden.run(f"kill $(cat {INSTANCE.replace('/db', '/whole')}/pid)")
    await db.began("install", "start", "stop", "start")
    await db.becomes("running")
    today = datetime.now().astimezone().strftime("%m%d")
    _, changed = await hidden.stack.call("GET", f"/database/status/changed/{today}")
    assert "whole" in changed
    await db.hold("stop")
    await db.wish("stopped")
    await db.becomes("stopping")
    await db.began("install", "start", "stop", "start", "stop")
    stopping = await db.last()
    assert (await hidden.stack.call("DELETE", f"/operations/{stopping['id']}"))[0] == 202
    await until(lambda: _ended(db, "cancelled"), "the cancelling")
    status, log = await hidden.stack.call("GET", f"/operations/{stopping['id']}/log")
    assert (status, log["ended"]) == (200, True)
    await db.release("stop")
    await db.wish("not-installed")
    await db.becomes("not-installed")
    assert not await db.overlaps()
    assert "3335" not in await hidden.run("ss -Hltn 'sport = :3335' | grep -v 127.0.0.1 || true")


async def _ended(db: Database, state: str) -> bool:
    return bool((await db.last())["state"] == state)


async def test_a_short_cut_loses_nobody_and_a_long_one_loses_no_order_and_runs_none_twice(hidden: Hidden) -> None:
    db = await hidden.create("cut")
    await db.hold("install")
    await db.wish("running")
    await db.began("install")
    hidden.host.cut()
    await asyncio.sleep(PATIENCE / 3)
    hidden.host.mend()
    assert (await hidden.shown())["state"] != "lost"
    await hidden.becomes("online")
    assert (await db.get("/status"))["status"]["realtime"] == "installing"
    hidden.host.cut()
    await hidden.becomes("lost")
    await db.release("install")
    hidden.host.mend()
    await db.becomes("running")
    assert await db.runs() == ["install", "start"]
    assert not await db.overlaps()


async def test_an_order_that_is_given_during_a_cut_is_carried_out_after_it(hidden: Hidden) -> None:
    db = await hidden.create("later")
    hidden.host.cut()
    await db.wish("running")
    await db.becomes("unknow")
    hidden.host.mend()
    await db.becomes("running")
    assert await db.runs() == ["install", "start"]


async def test_a_killed_agent_is_asked_again_for_what_it_was_asked(hidden: Hidden) -> None:
    db = await hidden.create("killed")
    await db.hold("start")
    await db.wish("running")
    await db.began("install", "start")
    former = await hidden.agent()
    await hidden.run(f"kill -9 {former}")
    await hidden.another_agent(former)
    await db.release("start")
    await db.becomes("running")
    await hidden.has_its_tunnel()
    assert await db.runs() == ["install", "start"]


async def test_a_killed_controller_finds_its_agents_again_and_nothing_runs_twice(hidden: Hidden) -> None:
    db = await hidden.create("orphan")
    await db.hold("install")
    await db.wish("running")
    await db.began("install")
    hidden.stack.controller.kill()
    await hidden.stack.start_controller()
    assert (await hidden.shown())["state"] in ("reconnecting", "online")
    await db.release("install")
    await db.becomes("running")
    assert await db.runs() == ["install", "start"]
    assert "unknow" not in {event["to"] for event in (await db.get("/events"))["items"]}


async def test_rotation_keeps_the_host_and_removal_cuts_it_off(hidden: Hidden) -> None:
    assert (await hidden.stack.call("POST", f"/hosts/{hidden.id}/rotate"))[0] == 202

    async def rotated() -> bool:
        return not (await hidden.shown())["rotating"]

    await until(rotated, "the rotation")
    await hidden.has_its_tunnel()
    db = await hidden.create("rotated")
    await db.wish("running")
    await db.becomes("running")
    status, page = await hidden.stack.call("GET", "/database?limit=1000")
    assert status == 200
    for instance in page["items"]:
        await hidden.stack.call("DELETE", f"/database/{instance['name']}?orphan=true")
    assert (await hidden.stack.call("DELETE", f"/hosts/{hidden.id}"))[0] == 200

    async def told() -> bool:
        return "is refused by the controller (401)" in hidden.host.journal("paas-agent")

    await until(told, "the agent to be refused")
