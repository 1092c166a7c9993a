"""An instance with members on three real hosts: brought up in order, one of them cut off, heard again, drained."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.e2e.tiny import publish
from tests.packaging.joined import CONTROL, DEB, PORT, HostsStack, Joined
from tests.testbeds.hosts.bed import Bed
from tests.testbeds.hosts.host import Host
from tests.testbeds.stack import until

_NUMBERS = itertools.count(1)
pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class Trio:
    """A database with a member on each of three hosts."""

    stack: HostsStack
    hosts: list[Host]
    name: str

    @property
    def path(self) -> str:
        return f"/database/{self.name}"

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        status, answer = await self.stack.call(method, path, body)
        assert status in (200, 201, 202), answer
        return answer

    async def create(self) -> None:
        body = self.stack.body(self.name, "tiny", CONTROL=f"{CONTROL}/{self.name}")
        body["host"] = [{"ip": host.address, "agent_port": PORT} for host in self.hosts]
        body["app"] |= {"package": "", "restart": "", "check_interval": 1}
        await self.call("POST", "/database/create", body)

    async def runs_from_nothing(self) -> None:
        await self.create()
        await self.call("PUT", f"{self.path}/running")
        await self.are("running", "running", "running")

    async def are(self, *states: str) -> None:
        """Waits until the members are in these states."""

        async def there() -> bool:
            members = (await self.call("GET", self.path))["members"]
            return [each["realtime"] for each in members] == list(states) and not any(
                each["operation"] for each in members
            )

        await until(there, f"{self.name} to be {states}; the logs are in {self.stack.folder}")

    async def waits(self, position: int, words: str) -> None:
        async def said() -> bool:
            return words in ((await self.call("GET", self.path))["members"][position]["waiting"] or "")

        await until(said, f"member {position} of {self.name} to say {words!r}")

    async def story(self) -> list[tuple[int, str]]:
        """Which host's member came to which state, oldest first."""
        places = {f"{host.address}:{PORT}": place for place, host in enumerate(self.hosts)}
        events = (await self.call("GET", f"{self.path}/events?limit=1000"))["items"]
        return [(places[event["host"]], event["to"]) for event in reversed(events) if event["from"] != event["to"]]

    def runs(self) -> list[list[str]]:
        """The scripts that ran on each host."""
        return [host.run(f"cat {CONTROL}/{self.name}/runs").split() for host in self.hosts]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(bed: Bed, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[HostsStack]:
    folder = tmp_path_factory.mktemp("several")
    publish(folder / "repo" / "tiny")
    async with HostsStack(folder, folder / "repo", bed.address, report_interval="0.5") as stack:
        yield stack


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hosts(stack: HostsStack, four_hosts: list[Host], packages: Path) -> AsyncIterator[list[Host]]:
    """Three, each with an agent."""

    async def joins(host: Host) -> None:
        joined = Joined(stack, host)
        await joined.put(DEB, packages)
        await joined.join()
        await joined.run(f"install -d -o paas-agent {CONTROL}")

    chosen = four_hosts[:3]
    await asyncio.gather(*map(joins, chosen))
    yield chosen
    for host in chosen:
        host.run(f"{DEB.erase}; rm -rf /var/lib/paas-agent {CONTROL}")


@pytest_asyncio.fixture(loop_scope="module")
async def trio(stack: HostsStack, hosts: list[Host]) -> AsyncIterator[Trio]:
    trio = Trio(stack, hosts, f"trio{next(_NUMBERS)}")
    for host in hosts:
        host.run(f"runuser -u paas-agent mkdir {CONTROL}/{trio.name}")
    yield trio
    for host in hosts:
        host.mend()
        assert host.tries(f"cat {CONTROL}/{trio.name}/overlaps").returncode, f"scripts met on {host.name}"
        host.run("pkill -f 'sleep 10000[0]' || true")
    await stack.call("DELETE", f"{trio.path}?orphan=true")


async def test_members_come_up_in_order_each_when_the_one_before_is_healthy(trio: Trio) -> None:
    first = trio.hosts[0]
    first.write(f"{CONTROL}/{trio.name}/check", b'{"code": "1", "msg": "still loading"}')
    await trio.create()
    await trio.call("PUT", f"{trio.path}/running")
    await trio.waits(1, f"waits for {first.address}:{PORT}, which is starting")
    first.run(f"rm {CONTROL}/{trio.name}/check")
    await trio.are("running", "running", "running")
    up = ["installing", "stopped", "starting", "running"]
    assert await trio.story() == [(place, state) for place in range(3) for state in up]


async def test_a_host_that_is_cut_off_is_unknow_and_takes_up_again_what_was_wanted_meanwhile(trio: Trio) -> None:
    await trio.runs_from_nothing()
    before = trio.runs()
    trio.hosts[1].cut()
    await trio.are("running", "unknow", "running")
    await trio.waits(1, "the host has not been heard of")
    trio.hosts[1].mend()
    await trio.are("running", "running", "running")
    assert trio.runs() == before

    trio.hosts[1].cut()
    await trio.are("running", "unknow", "running")
    await trio.call("PUT", f"{trio.path}/restart")
    await trio.waits(2, f"waits for {trio.hosts[1].address}:{PORT}, which goes first and is unknow")
    trio.hosts[1].mend()

    async def restarted() -> bool:
        return trio.runs() == [[*ran, "stop", "start"] for ran in before]

    await until(restarted, "each of them to be restarted once")
    await trio.are("running", "running", "running")


async def test_a_drained_host_is_empty_and_comes_up_again(trio: Trio) -> None:
    await trio.runs_from_nothing()
    host = f"{trio.hosts[0].address}:{PORT}"
    await trio.call("POST", f"/hosts/{host}/drain", {"enabled": True})
    await trio.are("stopped", "running", "running")
    await trio.waits(0, f"{host} is drained by admin since 20")
    assert not trio.hosts[0].tries("pgrep -f 'sleep 10000[0]'").stdout
    await trio.call("POST", f"/hosts/{host}/drain", {"enabled": False})
    await trio.are("running", "running", "running")
    assert [ran[2:] for ran in trio.runs()] == [["stop", "start"], [], []]
