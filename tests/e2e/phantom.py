"""A host of the registry whose agent is the test itself: it joins, and reports what the test says."""

import time
from dataclasses import dataclass
from typing import Any

from tests.testbeds.ports import free_port
from tests.testbeds.stack import Stack


@dataclass
class Phantom:
    """Speaks to the controller with an agent's token."""

    stack: Stack
    port: int
    token: str
    epoch: str = "first"
    sequence: int = 0

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def report(self, *, sequence: int | None = None, **said: Any) -> dict[str, Any]:
        """A full report; the next one in its order if no sequence is given."""
        if sequence is None:
            self.sequence = sequence = self.sequence + 1
        head = {"host": self.host, "epoch": self.epoch, "sequence": sequence, "full": True, "sent_at": time.time()}
        return head | said

    async def send(self, report: dict[str, Any]) -> tuple[int, Any]:
        return await self.stack.call("POST", "/agents/report", report, token=self.token)


async def join(stack: Stack) -> Phantom:
    port = free_port()
    _, made = await stack.call("POST", "/hosts/join-tokens")
    asked = {"join_token": made["join_token"], "address": "127.0.0.1", "port": str(port)}
    status, joined = await stack.call("POST", "/agents/join", asked)
    assert status == 200, joined
    return Phantom(stack, port, joined["agent_token"])
