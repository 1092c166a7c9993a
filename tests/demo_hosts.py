"""The main job on hosts with systemd: `make demo HOSTS=4`. Fresh hosts are named by address and password, and that is
all: the agent comes onto them over SSH, Redis and nginx come up, one host loses its power, another one is cut off.

With `--once` it ends by itself; the exit code is 0 only if every step was seen.
"""

import argparse
import asyncio
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests import demo
from tests.demo import NGINX, REDIS, Story, clock, say, state, step
from tests.packaging.joined import PORT, HostsStack
from tests.testbeds.hosts.bed import Bed, bed
from tests.testbeds.hosts.host import Host
from tests.testbeds.hosts.machine import CannotStart, CommandFailed
from tests.testbeds.hosts.tree import PASSWORDS
from tests.testbeds.stack import BIN, REPO

PACKAGES = Path(__file__).parents[1] / "dist"
_SETTINGS = {"report_interval": "1"}


class Show:
    """A controller, and hosts on which nothing of ours is: the first half for Redis, the others for nginx."""

    def __init__(self, stack: HostsStack, hosts: list[Host]) -> None:
        self._stack, self._story = stack, Story(stack, {f"{host.address}:{PORT}": host.name for host in hosts})
        self._phases: dict[str, str] = {}
        half = (len(hosts) + 1) // 2
        self.redis, self.nginx = hosts[:half], hosts[half:]

    async def bring_up(self) -> None:
        step("Redis 7.0 and nginx 1.22 are created with the hosts' addresses and passwords, and expected to run")
        began = time.monotonic()
        for (kind, name), software, hosts, metadata in (
            (REDIS, "redis/7.0", self.redis, {"PORT": "6379", "PASSWORD": os.urandom(12).hex()}),
            (NGINX, "nginx/1.22", self.nginx, {"PORT": "8080"}),
        ):
            body = self._stack.body(name, software, **metadata)
            body["host"] = [_named(host, number) for number, host in enumerate(hosts)]
            await self._call("POST", f"/{kind}/create", body)
            await self._call("PUT", f"/{kind}/{name}/running")
        await self._story.until(self._comes_up, "redis and nginx to run on every host", 180)
        say(f"  running {time.monotonic() - began:.1f} s after the hosts were named, and nobody logged in anywhere")

    async def _comes_up(self) -> bool:
        """Tells how far the agents are while it looks."""
        for host in (await self._call("GET", "/hosts"))["items"]:
            course = host["bootstrap"] or {"phase": "", "sentence": ""}
            told = ": ".join(filter(None, (course["phase"], course["sentence"])))
            if told != self._phases.get(host["id"], ""):
                self._phases[host["id"]] = told
                say(f"  {clock(datetime.now(UTC))}  {host['ip']:11} {state(host['state'])}   {told}")
        return await self._all_run()

    async def lose_power(self) -> None:
        victim = self.redis[0]
        step(f"{victim.name} ({victim.address}) loses its power, and gets it back")
        began = time.monotonic()
        await asyncio.to_thread(victim.power_off)
        await self._story.until(lambda: self._is(REDIS, "unknow"), "its silence to be seen", 30)
        say("  nothing is done to it out of silence; now it boots")
        await asyncio.to_thread(victim.boot)
        await self._story.until(self._all_run, "redis to heal", 90)
        say(f"  healed {time.monotonic() - began:.1f} s after the power was lost")

    async def cut_off(self) -> None:
        victim = self.nginx[-1]
        step(f"{victim.name} ({victim.address}) is cut off, and comes back")
        before = await asyncio.to_thread(_service, victim, NGINX)
        await asyncio.to_thread(victim.cut)
        await self._story.until(lambda: self._is(NGINX, "unknow"), "its silence to be seen", 30)
        await asyncio.to_thread(victim.mend)
        await self._story.until(self._all_run, "it to be heard again", 60)
        assert await asyncio.to_thread(_service, victim, NGINX) == before, "nginx was started again"
        say(f"  nginx ran on all the while, as process {before}")

    async def show_lists(self) -> None:
        today = datetime.now().astimezone().strftime("%m%d")
        step(f"Whose status changed today: GET /apis/v1alpha1/{{kind}}/status/changed/{today}")
        for kind, name in (REDIS, NGINX):
            assert name in await self._call("GET", f"/{kind}/status/changed/{today}"), f"{name} is not on the list"
            for change in await self._call("GET", f"/{kind}/status/changed/{today}?detail=true"):
                moved = f"{change['from']:>13} → {change['to']:7}"
                say(f"  {change['name']:11} {moved} on {change['host']}: {change['reason']}")

    async def stay(self, made: Bed) -> None:
        step("All is up. Try it from another terminal; Ctrl-C ends everything.")
        data = self._stack.data
        say(f"  export PAAS_URL={self._stack.url} PAAS_CA_FILE={data}/ca.pem PAAS_TOKEN=$(cat {data}/admin.token)")
        say(f"  {BIN}/paasctl host list")
        say(f"  {BIN}/paasctl host drain {self.redis[0].address}:{PORT} --wait")
        say(f"  {sys.executable} -m tests.testbeds.hosts shell {made.hosts[0].name}\n")
        await demo.until_ended(self._story)

    async def _call(self, method: str, path: str, body: Any = None) -> Any:
        status, answer = await self._stack.call(method, path, body)
        assert status in (200, 201, 202), answer
        return answer

    async def _is(self, instance: tuple[str, str], realtime: str) -> bool:
        return await self._stack.realtime(*instance) == realtime

    async def _all_run(self) -> bool:
        return await self._is(REDIS, "running") and await self._is(NGINX, "running")


def _named(host: Host, number: int) -> dict[str, Any]:
    """One account for both uses, or one that runs the agent and another one that connects."""
    users = ("ops",) if number % 2 == 0 else ("plain", "ops")
    return {"ip": host.address, "auth": [{"username": user, "password": PASSWORDS[user]} for user in users]}


def _service(host: Host, instance: tuple[str, str]) -> int:
    return int(host.run(f"cat /var/lib/paas-agent/instances/{'/'.join(instance)}/pid"))


async def show(made: Bed, count: int, *, once: bool) -> None:
    demo.end_by_signal()
    await asyncio.to_thread(demo.clear)
    step(f"{count} hosts boot, each a Debian with systemd and nothing of ours on it")
    hosts = await asyncio.to_thread(made.add, count)
    for host in hosts:
        say(f"  {host.name}  {host.address}")
    step("Controller and scripts repository come up")
    async with HostsStack(demo.FOLDER, REPO, made.address, agent_packages=str(PACKAGES), **_SETTINGS) as stack:
        say(f"  controller on {stack.url}, the repository at {stack.url}/repo/")
        shown = Show(stack, hosts)
        await shown.bring_up()
        await shown.lose_power()
        await shown.cut_off()
        await shown.show_lists()
        if not once:
            await shown.stay(made)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make demo HOSTS=…", description=__doc__)
    parser.add_argument("hosts", type=int, choices=range(2, 21), metavar="HOSTS", help="how many hosts, 2 to 20")
    parser.add_argument("--once", action="store_true", help="end by itself; exit code 0 only if every step was seen")
    given = parser.parse_args()
    try:
        with bed() as made:
            return demo.shown(show(made, given.hosts, once=given.once), once=given.once)
    except (CannotStart, CommandFailed) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
