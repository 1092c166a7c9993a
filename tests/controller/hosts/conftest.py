"""An agent whose host runs something."""

from collections.abc import Awaitable, Callable

import pytest

from paas_controller.hosts.host import Host
from paas_controller.hosts.service import Hosts
from tests.controller.agents import Agent
from tests.controller.shell import Shell, until


@pytest.fixture
async def runs(shell: Shell, joined: Agent) -> Agent:
    """An agent whose host runs one database."""
    await shell.create(joined.host, status={"realtime": "running"}, self_heal="never")
    await joined.sees("running")
    return joined


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Awaitable[None]]:
    """Waits until the controller has looked for silent hosts once more, from beginning to end."""
    looks = []
    real = Hosts.all

    def look(hosts: Hosts) -> list[Host]:
        looks.append(hosts)
        return real(hosts)

    monkeypatch.setattr(Hosts, "all", look)

    async def wait() -> None:
        before = len(looks)
        await until(lambda: len(looks) >= before + 2, "a look for silence")

    return wait
