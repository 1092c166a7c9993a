"""Measure 5: from kill -9 of a watched process to `failed` seen at the controller."""

import asyncio
import os
import signal
import statistics
import tempfile
import time
from pathlib import Path

from bench.result import Result, percentile, spread
from bench.software import publish, sleeper
from tests.testbeds.stack import Agent, Stack, until

KILLS = 30
INTERVAL = 10.0
"""Seconds between two checks: what a death would wait for if nobody watched the process."""


async def measure() -> list[Result]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        await asyncio.to_thread(publish, folder / "repo")
        async with Stack(folder / "stack", folder / "repo") as stack:
            took = await _kills(stack)
    seen = statistics.median(took)
    thirds = [statistics.median(took[part::3]) for part in range(3)]
    return [
        Result("death", 5, "kill -9 to failed at the controller, p50", seen, "s", spread(thirds), "the check interval",
               INTERVAL, seen / INTERVAL, "p99 ≤ 0.2 s", percentile(took, 0.99) <= 0.2,
               more={"p99": percentile(took, 0.99), "max": max(took)}),
    ]  # fmt: skip


async def _kills(stack: Stack) -> list[float]:
    """One death an instance, so that no back-off of a former one is waited for."""
    agent = await stack.add_agent()
    for number in range(KILLS):
        body = sleeper(stack, agent, f"s{number}", FIFO="")
        body["app"]["status"] = {"expect": "running", "realtime": "not-installed"}
        await stack.call("POST", "/middleware/create", body)
    for number in range(KILLS):
        await stack.becomes("middleware", f"s{number}", "running", 60)
    return [await _kill(stack, agent, f"s{number}") for number in range(KILLS)]


async def _kill(stack: Stack, agent: Agent, name: str) -> float:
    began = time.perf_counter()
    os.kill(agent.pid_of("middleware", name), signal.SIGKILL)

    async def seen() -> bool:
        return await stack.realtime("middleware", name) != "running"

    await until(seen, f"the death of {name}")
    return time.perf_counter() - began
