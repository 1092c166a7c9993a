"""A controller with its own CA, and a host for each test."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.e2e.tiny import Instance, Maker, publish
from tests.testbeds.stack import Agent
from tests.testbeds.tls import TlsStack


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TlsStack]:
    folder = tmp_path_factory.mktemp("stack")
    publish(folder / "repo" / "tiny")
    async with TlsStack(folder, folder / "repo", report_interval="0.5") as stack:
        yield stack


@pytest_asyncio.fixture(loop_scope="module")
async def agent(stack: TlsStack) -> AsyncIterator[Agent]:
    """A host of the test's own."""
    agent = await stack.add_agent()
    yield agent
    agent.kill()


@pytest_asyncio.fixture(loop_scope="module")
async def db(stack: TlsStack, agent: Agent) -> AsyncIterator[Instance]:
    maker = Maker(stack, [agent])
    yield maker()
    await maker.end()
