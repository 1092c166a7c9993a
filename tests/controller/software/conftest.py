"""An agent with a stopped database, for the tests of what is in flight."""

import pytest

from paas_controller.software import operations
from tests.controller.agents import Agent
from tests.controller.shell import Shell


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is sent again is sent again soon."""
    monkeypatch.setattr(operations, "_SLOWEST_RETRY", 0.02)


@pytest.fixture
async def starts(shell: Shell, joined: Agent) -> Agent:
    """An agent with a stopped database."""
    await shell.create(joined.host, status={"realtime": "stopped"})
    await joined.sees("stopped")
    return joined


@pytest.fixture
async def runs(shell: Shell, joined: Agent) -> Agent:
    """An agent whose host runs one database with a restart script."""
    await shell.create(joined.host, status={"realtime": "running"})
    await joined.sees("running")
    return joined
