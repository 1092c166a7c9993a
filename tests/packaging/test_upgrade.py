"""Upgrades from the controller, on real hosts: what is signed and works stays, all else leaves things as they were."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.tiny import publish
from tests.packaging.conftest import NEWER
from tests.packaging.fleet import DIES, KINDS, NEVER_REPORTS, ROOTS, SPOOL, Fleet, broken, broken_archive
from tests.packaging.joined import HostsStack, Joined
from tests.testbeds.hosts.bed import Bed
from tests.testbeds.stack import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def fleet(bed: Bed, packages: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Fleet]:
    """What all tests here share; each leaves the older version everywhere, the last one the newer."""
    folder = tmp_path_factory.mktemp("fleet")
    (folder / "shelf").mkdir()
    publish(folder / "repo" / "tiny")
    hosts = await asyncio.to_thread(bed.add, len(KINDS))
    settings = {"report_interval": "0.5", "agent_packages": str(folder / "shelf")}
    async with HostsStack(folder, folder / "repo", bed.address, **settings) as stack:
        made = Fleet(stack, [Joined(stack, host) for host in hosts], folder / "shelf")
        await made.set_up(packages)
        yield made
    for host in hosts:
        await asyncio.to_thread(host.erase)


async def test_a_broken_version_goes_back_by_itself(fleet: Fleet, packages: Path, tmp_path: Path) -> None:
    dies, hangs = fleet.hosts[0], fleet.hosts[2]
    offered = [broken(packages, "0.98", DIES, tmp_path), broken_archive(packages, "0.98", NEVER_REPORTS, tmp_path)]
    offered = [made.replace(fleet.shelf / made.name) for made in offered]

    async def goes_back(joined: Joined) -> None:
        await fleet.patience(joined.host, 3)
        await fleet.upgrade(joined)
        sentence = await fleet.ends(joined, "failed")
        assert sentence == "the controller took no report of version 0.98 within 3 s; version 0.1.0 was put back"
        await fleet.audited(sentence)
        await joined.is_online("0.1.0")

    await asyncio.gather(goes_back(dies), goes_back(hangs))
    for made in offered:
        made.unlink()
    assert "0.1.0" in await dies.run("dpkg-query -W paas-agent && dpkg --verify paas-agent")
    assert await dies.service() == fleet.service


async def test_a_power_loss_in_the_middle_ends_in_a_whole_agent(fleet: Fleet, packages: Path, tmp_path: Path) -> None:
    joined = fleet.hosts[0]
    made = broken(packages, "0.98", NEVER_REPORTS, tmp_path)
    offered = made.replace(fleet.shelf / made.name)
    await fleet.patience(joined.host, 600)
    await fleet.upgrade(joined)

    async def in_the_middle() -> bool:
        return "0.98" in await joined.run("dpkg-query -W paas-agent; ls /usr/lib/paas-agent")

    await until(in_the_middle, "the new version to be there")
    await asyncio.to_thread(joined.host.power_loss)
    sentence = await fleet.ends(joined, "failed")
    offered.unlink()
    assert sentence == "the upgrade was cut off; version 0.1.0 was put back"
    await joined.is_online("0.1.0")
    assert await joined.run("dpkg --audit; dpkg --verify paas-agent") == ""
    await fleet.stack.becomes("database", "db", "running", 60)
    fleet.service = await joined.service()


async def test_the_agents_user_gets_nothing_installed_by_itself(fleet: Fleet, packages: Path) -> None:
    joined = fleet.hosts[0]
    looks = f"cat {ROOTS}/work/serial; ls -l {ROOTS}/work /usr/lib/paas-agent; ls -l --time-style=+ /etc/shadow"
    await joined.run(f"[ -e {ROOTS}/work/serial ] || printf 2 >{ROOTS}/work/serial")
    before = await joined.run(looks)
    [deb] = packages.glob("*.deb")
    await asyncio.to_thread(joined.host.write, f"{SPOOL}/package", deb.read_bytes())
    own = {"host": f"{joined.host.address}:3335", "serial": int(time.time() * 1000)}
    tries = {
        "this upgrade was not signed by this host's controller": put(fleet.order(own, tampered=True)),
        "this upgrade is older than one that this host has taken": put(fleet.order(own | {"serial": 1})),
        "in the spool is not the one that was signed": put(fleet.order(own)),
        "order in the spool cannot be read as a plain file": "ln -s /etc/shadow order",
    }
    for sentence, attempt in tries.items():
        await asyncio.to_thread(joined.host.write, "/tmp/try", f"mkdir -p {SPOOL} && cd {SPOOL} && {attempt}".encode())
        await joined.run("chown -R paas-agent: /var/lib/paas-agent/upgrade; runuser -u paas-agent -- sh -eu /tmp/try")
        await fleet.audited(sentence)
    assert await joined.run(looks) == before
    for place in (ROOTS, f"{ROOTS}/anchor.json", f"{ROOTS}/outcome.json", f"{ROOTS}/work", "/usr/lib/paas-agent"):
        assert (await joined.run(f"runuser -u paas-agent -- sh -c '[ -w {place} ] || echo shut'")).strip() == "shut"


def put(order: bytes) -> str:
    """The command that leaves it in the spool, whole."""
    return f"echo {base64.b64encode(order).decode()} | base64 -d >o && mv o order"


async def test_all_are_upgraded_one_first_and_what_runs_runs_on(fleet: Fleet, newer_packages: Path) -> None:
    await asyncio.gather(*(fleet.patience(joined.host, 60) for joined in fleet.hosts))
    fleet.offer(newer_packages)
    order = []

    async def seen(joined: Joined) -> None:
        await fleet.ends(joined, "done")
        order.append(joined)

    status, plan = await fleet.stack.call("POST", "/hosts/upgrade", {"batch": 2})
    assert (status, [len(batch) for batch in plan["batches"]], plan["left_out"]) == (202, [1, 2], [])
    await asyncio.gather(*map(seen, fleet.hosts))
    assert f"{order[0].host.address}:3335" == plan["batches"][0][0]
    for joined in fleet.hosts:
        await joined.is_online(NEWER)
        assert (await fleet.shown(joined))["state"] == "online"
    assert await fleet.hosts[0].service() == fleet.service
    status, answer = await fleet.stack.call("POST", f"/hosts/{fleet.hosts[0].host.address}:3335/upgrade")
    assert (status, "there is no newer one" in answer["error"]["message"]) == (409, True)
