"""An agent whose host runs something."""

import pytest

from tests.controller.agents import Agent
from tests.controller.shell import Shell


@pytest.fixture
async def runs(shell: Shell, joined: Agent) -> Agent:
    """An agent whose host runs one database."""
    await shell.create(joined.host, status={"realtime": "running"}, self_heal="never")
    await joined.sees("running")
    return joined
