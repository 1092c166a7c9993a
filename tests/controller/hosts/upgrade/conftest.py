"""Packages that the controller has, and agents whose root takes upgrades."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from paas_agent.manifest import UPGRADE, Manifest, Offer, State, Upgraded
from tests.controller.agents import Agent
from tests.controller.shell import Shell
from tests.testbeds.stack import until


@dataclass
class Upgradable:
    """An agent on a host that has a deb of this version."""

    agent: Agent
    version: str = "1.0"

    async def report(self, **more: Any) -> Manifest | None:
        """Reports, and answers with what is offered then."""
        self.agent.features = [UPGRADE]
        facts = {"arch": "x86_64", "package": "deb"}
        offer = (await self.agent.report(version=self.version, facts=facts, **more)).body["upgrade"]
        return msgspec.json.decode(msgspec.convert(offer, Offer).manifest, type=Manifest) if offer else None

    async def is_offered(self) -> Manifest:
        """Reports until something is."""
        return await until(self.report, f"an upgrade of {self.agent.host} to be offered", 5)

    async def tells(self, manifest: Manifest, state: State, message: str = "") -> None:
        """What became of it."""
        self.version = manifest.package.version if state == "done" else self.version
        await self.report(upgrade=Upgraded(serial=manifest.serial, state=state, message=message))

    async def shown(self) -> dict[str, Any]:
        return dict((await self.agent.shell.get(f"/hosts/{self.agent.host}")).body)

    async def becomes(self, state: str) -> str:
        """Reports until its upgrade is so; the sentence."""

        async def look() -> bool:
            await self.report()
            upgrade = (await self.shown())["upgrade"]
            return bool(upgrade) and upgrade["state"] == state

        await until(look, f"the upgrade of {self.agent.host} to be {state}", 5)
        return str((await self.shown())["upgrade"]["sentence"])


def put(shelf: Path, version: str) -> bytes:
    """A package of this version; its content."""
    content = f"the package of {version}".encode()
    (shelf / f"paas-agent_{version}_amd64.deb").write_bytes(content)
    return content


@pytest.fixture
async def shelf(shell: Shell, tmp_path: Path) -> Path:
    """The controller's folder of packages: the version that hosts have, and a newer one."""
    folder = tmp_path / "packages"
    folder.mkdir()
    put(folder, "1.0")
    put(folder, "2.0")
    shell.settings["agent_packages"] = folder
    await shell.restart()
    return folder


@pytest_asyncio.fixture
async def hosts(shell: Shell, shelf: Path) -> AsyncIterator[list[Upgradable]]:
    """Three of them, by name."""
    agents = [Agent(shell) for _ in range(3)]
    for agent in agents:
        await agent.start()
        await agent.join()
    found = sorted((Upgradable(agent) for agent in agents), key=lambda each: each.agent.host)
    for host in found:
        await host.report()
    yield found
    for agent in agents:
        await agent.stop()
