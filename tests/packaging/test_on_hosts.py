"""The agent's packages on real hosts: by hand installed and joined; what it started outlives whatever befalls it."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.tiny import publish
from tests.packaging.conftest import NEWER
from tests.packaging.joined import ARCHIVE, CONTROL, DEB, INSTANCE, RPM, HostsStack, Joined, Kind
from tests.testbeds.hosts.bed import Bed
from tests.testbeds.hosts.host import Host
from tests.testbeds.stack import until

# What systemd, the package managers and the test itself write down of any package.
_OTHERS = (
    *("proc", "sys", "dev", "run", "tmp", "srv", "var/log", "var/lib/dpkg", "var/lib/rpm", "var/lib/systemd"),
    *("var/cache", "root", "etc/passwd-", "etc/shadow-", "etc/group-", "etc/gshadow-", "etc/.pwd.lock"),
)


@pytest_asyncio.fixture
async def joined(bed: Bed, fresh_host: Host, tmp_path: Path) -> AsyncIterator[Joined]:
    """A host that has nothing of ours yet, and a controller."""
    # A host that has booted again soon has another process with the service's former pid.
    for script in publish(tmp_path / "repo" / "tiny").iterdir():
        whose = script.read_text().replace('readlink "/proc/$(cat pid)/exe"', 'grep -sx sleep "/proc/$(cat pid)/comm"')
        script.write_text(whose)
    async with HostsStack(tmp_path, tmp_path / "repo", bed.address, report_interval="0.5") as stack:
        yield Joined(stack, fresh_host)


@pytest_asyncio.fixture
async def serving(joined: Joined, packages: Path) -> Joined:
    """One with a service that was started through the controller."""
    await joined.put(DEB, packages)
    await joined.join()
    await joined.serve()
    return joined


def files(host: Host) -> set[str]:
    leave = " -o ".join(f"-path /{place}" for place in _OTHERS)
    return set(host.run(rf"find / \( {leave} \) -prune -o -print").splitlines())


@pytest.mark.parametrize("kind", [DEB, RPM, ARCHIVE], ids=lambda kind: kind.name)
async def test_a_service_outlives_upgrade_downgrade_and_erasing_which_leaves_only_its_data(
    joined: Joined, packages: Path, newer_packages: Path, kind: Kind
) -> None:
    before = files(joined.host)
    await joined.put(kind, packages)
    await joined.put(kind, packages)
    await joined.join()
    service, agent = await joined.serve(), await joined.agent()
    old = (await joined.run("paas-agent --version")).strip()

    await joined.put(kind, newer_packages)
    newer = await joined.another_agent(agent)
    await joined.is_online(NEWER)
    await joined.put(kind, packages, command=kind.go_back)
    await joined.another_agent(newer)
    await joined.is_online(old)
    await joined.stack.becomes("database", "db", "running")
    assert await joined.service() == service

    await joined.run(kind.erase)
    assert await joined.service() == service
    left = {path for path in files(joined.host) - before if not path.startswith(f"{INSTANCE}/")}
    above = {str(path) for path in Path(INSTANCE).parents} & left
    assert left == above | {INSTANCE}


async def test_a_killed_agent_is_started_again_beside_its_services(serving: Joined) -> None:
    service, agent = await serving.service(), await serving.agent()
    await serving.run(f"kill -9 {agent}")
    await serving.another_agent(agent)
    await serving.is_online()
    assert await serving.service() == service
    assert service in serving.host.pids_of("paas-agent")


async def test_an_agent_that_hangs_is_ended_by_the_watchdog_and_started_again(serving: Joined) -> None:
    await serving.run("mkdir -p /etc/systemd/system/paas-agent.service.d")
    serving.host.write("/etc/systemd/system/paas-agent.service.d/quick.conf", b"[Service]\nWatchdogSec=2\n")
    await serving.run("systemctl daemon-reload && systemctl restart paas-agent")
    service, agent = await serving.service(), await serving.agent()
    await serving.run(f"kill -STOP {agent}")
    await serving.another_agent(agent)
    assert "Watchdog timeout" in serving.host.journal("paas-agent")
    assert await serving.service() == service


async def test_a_restart_leaves_the_services_alone(serving: Joined) -> None:
    service, agent = await serving.service(), await serving.agent()
    await serving.run("systemctl restart paas-agent")
    assert await serving.agent() not in (0, agent)
    await serving.run("systemctl stop paas-agent")
    assert await serving.service() == service
    await serving.run("systemctl start paas-agent")
    await serving.is_online()
    assert await serving.service() == service


async def test_each_instance_has_a_cgroup_of_its_own(serving: Joined) -> None:
    group = "/system.slice/paas-agent.service/database:db"
    assert (await serving.run(f"grep ^0:: /proc/{await serving.service()}/cgroup")).strip() == f"0::{group}"


@pytest.mark.parametrize("how", [Host.reboot, Host.power_loss], ids=lambda how: how.__name__)
async def test_after_a_boot_the_agent_is_there_and_the_service_is_started_again(serving: Joined, how: object) -> None:
    assert callable(how)
    how(serving.host)

    async def begun_again() -> bool:
        return (await serving.run(f"grep -c start {CONTROL}/runs")).strip() == "2"

    await until(begun_again, "the service to be started again", 60)
    await serving.stack.becomes("database", "db", "running")
    await serving.service()


async def test_the_agent_runs_as_its_user_with_what_that_may(serving: Joined) -> None:
    status = await serving.run(f"cat /proc/{await serving.agent()}/status")
    assert re.search(r"^Uid:\t(\d+)\t\1\t\1\t\1$", status, re.MULTILINE)
    assert not re.search(r"^Uid:\t0\t", status, re.MULTILINE)
    assert re.search(r"^CapEff:\t0+$", status, re.MULTILINE)
