"""A controller on a folder of its own, and agents on loopback. Whatever keeps something is tried on both databases."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.controller.agents import Agent
from tests.controller.shell import Shell
from tests.testbeds.postgres import Server


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database with nothing in it."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'data' / 'controller.db'}"
    else:
        server: Server = request.getfixturevalue("postgres")
        with server.database() as url:
            yield url


@pytest.fixture
async def shell(tmp_path: Path, database_url: str) -> AsyncIterator[Shell]:
    shell = Shell(tmp_path / "data", settings={"database_url": database_url})
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
