"""The product as shipped, once for each file of tests; each test gets instances of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.tiny import Instance, Maker, publish, serves
from tests.testbeds.stack import Agent, Stack


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """A controller that serves the tiny software."""
    folder = tmp_path_factory.mktemp("stack")
    publish(folder / "repo" / "tiny")
    async with Stack(folder, folder / "repo", report_interval="1") as stack:
        yield stack


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def agent(stack: Stack) -> Agent:
    agent = await stack.add_agent()
    await serves(agent)
    return agent


@pytest_asyncio.fixture(loop_scope="module")
async def make(stack: Stack, agent: Agent) -> AsyncIterator[Maker]:
    """Makes instances; whatever was stopped in a test runs again after it."""
    maker = Maker(stack, [agent])
    yield maker
    await maker.end()


@pytest.fixture
def db(make: Maker) -> Instance:
    """A database that is not created yet."""
    return make()


@pytest.fixture
def repo(stack: Stack) -> Path:
    """The folder of the tiny software in the repository."""
    return stack.folder / "repo" / "tiny"
