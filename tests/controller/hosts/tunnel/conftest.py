import pytest

from tests.controller.agents import Agent
from tests.controller.shell import Shell


@pytest.fixture
async def hidden(shell: Shell, agent: Agent) -> Agent:
    """An agent that nobody can call: its server is gone as soon as it has joined."""
    await agent.join()
    answer = await shell.put(f"/hosts/{agent.host}", {"connection": "tunnel"})
    assert answer.status == 200, answer.body
    await agent.stop()
    return agent
