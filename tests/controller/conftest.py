"""A controller on a folder of its own, and agents on loopback."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.controller.agents import Agent
from tests.controller.shell import Shell


@pytest.fixture
async def shell(tmp_path: Path) -> AsyncIterator[Shell]:
    shell = Shell(tmp_path / "data")
    await shell.start()
    yield shell
    await shell.stop()


@pytest.fixture
async def agent(shell: Shell) -> AsyncIterator[Agent]:
    """An agent that has not joined yet."""
    agent = Agent(shell)
    await agent.start()
    yield agent
    await agent.stop()


@pytest.fixture
async def joined(agent: Agent) -> Agent:
    await agent.join()
    return agent
