"""From a fresh host to a running service in one PUT, over SSH, on real hosts; and what is said where it cannot be."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.e2e.tiny import publish
from tests.packaging.joined import HostsStack
from tests.testbeds.hosts.bed import Bed
from tests.testbeds.hosts.host import Host
from tests.testbeds.hosts.tree import PASSWORDS
from tests.testbeds.ssh import key_pair
from tests.testbeds.stack import until

CONTROL = "/srv/control"
ALL_WORDS = "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '"


class Bench:
    """A controller, and one host of its own that it has never seen; what people ask and what they are told."""

    def __init__(self, stack: HostsStack, host: Host) -> None:
        self.stack, self.host, self.id = stack, host, f"{host.address}:3335"

    async def wants(self, *auth: dict[str, str]) -> None:
        """An instance on that host, which shall run."""
        await self.run(f"install -d -m 0777 {CONTROL}")
        body = self.stack.body("db", "tiny", CONTROL=CONTROL)
        body["app"] |= {"package": "", "restart": "", "check_interval": 1}
        body["host"] = [{"ip": self.host.address, "agent_port": 3335, "auth": list(auth)}]
        assert (await self.stack.call("POST", "/database/create", body))[0] == 201
        assert (await self.stack.call("PUT", "/database/db/running"))[0] == 202

    async def edit(self, **change: Any) -> None:
        assert (await self.stack.call("PUT", f"/hosts/{self.id}", change))[0] == 200

    async def again(self, **body: str) -> None:
        status, answer = await self.stack.call("POST", f"/hosts/{self.id}/bootstrap", body)
        assert status == 202, answer

    async def seen(self) -> dict[str, Any]:
        found: dict[str, Any] = (await self.stack.call("GET", f"/hosts/{self.id}"))[1]
        return found

    async def reaches(self, *phases: str) -> None:
        async def there() -> bool:
            return (await self.seen())["bootstrap"]["phase"] in phases

        await until(there, f"the phase {phases}")

    async def says(self, words: str) -> dict[str, Any]:
        """Waits until a phase failed with these words, and the member says the same."""

        async def told() -> dict[str, Any] | None:
            found = await self.seen()
            course = found["bootstrap"] or {"phase": "", "sentence": ""}
            return found if words in f"{course['phase']}: {course['sentence']}" else None

        found = await until(told, f"{words!r}; it says {await self.seen()}")
        if not found["version"]:
            member = (await self.stack.call("GET", "/database/db"))[1]["members"][0]
            assert words in member["waiting"]
        return found

    async def done(self) -> dict[str, Any]:
        async def there() -> dict[str, Any] | None:
            found = await self.seen()
            return found if (found["bootstrap"] or {"state": ""})["state"] == "done" else None

        return await until(there, f"it to be bootstrapped; it says {await self.seen()}", 60)

    async def run(self, command: str) -> str:
        return await asyncio.to_thread(self.host.run, command)


@pytest_asyncio.fixture
async def bench(
    bed: Bed, fresh_host: Host, packages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Bench]:
    publish(tmp_path / "repo" / "tiny")
    monkeypatch.setenv("PAAS_CONTROLLER_FORGET_CREDENTIALS", "true")
    settings = {"report_interval": "0.5", "agent_packages": str(packages)}
    async with HostsStack(tmp_path, tmp_path / "repo", bed.address, **settings) as stack:
        yield Bench(stack, fresh_host)


def entry(user: str, password: str = "") -> dict[str, str]:
    return {"username": user, "password": password or PASSWORDS[user]}


async def test_one_put_brings_agent_and_service_onto_a_fresh_host_and_tells_nobody_a_secret(bench: Bench) -> None:
    words: list[str] = []

    async def listen() -> None:
        while True:
            words.append(await bench.run(ALL_WORDS))

    listening = asyncio.create_task(listen())
    await bench.wants(entry("plain"), entry("ops"))
    found = await bench.done()
    listening.cancel()
    assert found["auth"] == []
    assert "runs as plain" in found["bootstrap"]["sentence"]
    await bench.stack.becomes("database", "db", "running")
    assert await bench.run("stat -c %U /proc/$(systemctl show -P MainPID paas-agent)") == "plain\n"
    assert await bench.run("stat -c '%U %a' /var/lib/paas-agent/agent.json") == "plain 600\n"
    assert await bench.run("ls /var/cache /var/tmp | grep paas || echo nothing") == "nothing\n"

    kept = json.loads(await bench.run("cat /var/lib/paas-agent/agent.json"))
    secrets = [PASSWORDS["plain"], PASSWORDS["ops"], kept["agent_token"], kept["controller_token"], kept["key"]]
    told = "".join(words) + bench.stack.controller.log.read_text() + await asyncio.to_thread(bench.host.journal)
    for path in ("/audit", f"/hosts/{bench.id}", "/database/db", "/database/db/events"):
        told += json.dumps((await bench.stack.call("GET", path))[1])
    assert "sudo -k -S -p" in "".join(words)
    assert [secret for secret in secrets if secret in told] == []
    assert "JOIN_TOKEN=" not in told


async def test_an_agent_that_is_another_host_here_is_not_taken_away_by_naming_its_machine_anew(bench: Bench) -> None:
    await bench.wants(entry("plain"), entry("ops"))
    await bench.stack.becomes("database", "db", "running", 60)
    agent = await bench.run("systemctl show -P MainPID paas-agent")
    address = f"{bench.host.address.rpartition('.')[0]}.250"
    await bench.run(f"ip address add {address}/24 dev eth0")
    assert (await bench.stack.call("POST", "/hosts", {"ip": address, "auth": [entry("ops")]}))[0] == 201
    assert (await bench.stack.call("POST", f"/hosts/{address}:3335/bootstrap", {}))[0] == 202

    async def told() -> str:
        found = (await bench.stack.call("GET", f"/hosts/{address}:3335"))[1]["bootstrap"]
        return str(found["sentence"]) if found and found["state"] in ("failed", "done") else ""

    sentence = await until(told, "it to be refused")
    assert sentence == f"the agent up there is {bench.id}, known here already: name that host, or delete it first"
    assert await bench.run("systemctl show -P MainPID paas-agent") == agent


async def test_each_phase_fails_with_a_sentence_and_a_later_success_heals_it(bench: Bench, tmp_path: Path) -> None:
    private, public = key_pair(tmp_path / "keys", "ecdsa")
    await asyncio.to_thread(bench.host.authorize, "robot", public)
    by_key = {"username": "robot", "private_key": private}

    await bench.wants(entry("robot", "wrong"))
    await bench.says("does not take this password of robot")
    await bench.edit(auth=[entry("robot")], ssh_port=9)
    await bench.says("refuses connections: is sshd up there, and is this its port?")
    await bench.edit(auth=[entry("plain")], ssh_port=22)
    await bench.says("inspect: plain may not become root")
    await bench.edit(auth=[{"username": "ghost", "password": "-"}, by_key])
    await bench.says("has no user ghost, as which the agent is to run")
    await bench.run("mv /run/systemd/system /run/systemd/elsewhere")
    await bench.edit(auth=[by_key])
    await bench.says("does not run systemd, which keeps the agent up")
    await bench.run("mv /run/systemd/elsewhere /run/systemd/system")
    await asyncio.to_thread(bench.host.fill_disk, 5 << 20)
    await bench.again()
    await bench.says("MB left in /")
    await asyncio.to_thread(bench.host.free_disk)

    await bench.again()
    await bench.reaches("install")
    await asyncio.to_thread(bench.host.reboot)
    first = await bench.done()
    await bench.stack.becomes("database", "db", "running")

    await bench.edit(auth=[entry("root")])
    await bench.again()
    assert "left alone" in (await bench.done())["bootstrap"]["sentence"]
    await bench.edit(auth=[entry("root")])

    # As one that was installed anew.
    await bench.run("systemctl stop paas-agent; rm /var/lib/paas-agent/agent.json /etc/ssh/ssh_host_*")
    await bench.run("systemctl restart ssh")
    await bench.again()
    other = (await bench.says("is known of it"))["host_key_refused"]
    assert other not in ("", first["host_key"])
    await bench.again(accept_host_key=other)
    assert (await bench.done())["host_key"] == other
    await bench.stack.becomes("database", "db", "running")
