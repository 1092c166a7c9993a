"""Measure 3: from PUT running to the start script's first instruction, script cached, many agents attached."""

import asyncio
import os
import statistics
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import aiohttp

from bench.bare import bare_server
from bench.fleet import fleet, keep_reporting
from bench.result import Result, percentile, spread
from bench.software import publish, sleeper
from tests.testbeds.stack import Stack

STARTS = 60
AT_REST = 0.05
"""Seconds without work of its own before each start and each yardstick."""
SIZES = (10, 100, 1000)
"""Agents attached, each reporting once in five seconds."""


async def measure() -> list[Result]:
    sizes: dict[int, float] = {}
    for agents in SIZES:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            await asyncio.to_thread(publish, folder / "repo")
            async with Stack(folder / "stack", folder / "repo") as stack:
                attached = await fleet(stack, agents, 1)
                reporting = asyncio.create_task(keep_reporting(stack, attached))
                took, yardsticks = await _starts(stack, folder / "fifo")
                reporting.cancel()
                with suppress(asyncio.CancelledError):
                    await reporting
        sizes[agents] = statistics.median(took)
    yardstick = statistics.median(yardsticks)
    ratio, thirds = sizes[agents] / yardstick, [statistics.median(took[part::3]) for part in range(3)]
    return [
        Result("start", 3, f"PUT running to the script's first line, {agents:,} agents, p50", sizes[agents] * 1e3, "ms",
               spread(thirds), "a bare round trip + fork/exec of sh", yardstick * 1e3, ratio, "p50 ≤ 6 ×", ratio <= 6,
               {size: value * 1e3 for size, value in sizes.items()}, "agents", {"p99": percentile(took, 0.99) * 1e3}),
    ]  # fmt: skip


async def _starts(stack: Stack, fifo: Path) -> tuple[list[float], list[float]]:
    """Starts and yardsticks in turn, so that a noisy moment hits them alike; seconds. The first ones warm up."""
    agent = await stack.add_agent()
    os.mkfifo(fifo)
    body = sleeper(stack, agent, "s", FIFO=str(fifo))
    body["app"]["status"] = {"expect": "stopped", "realtime": "not-installed"}
    await stack.call("POST", "/middleware/create", body)
    await stack.becomes("middleware", "s", "stopped")
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    took, yardsticks = [], []
    try:
        with bare_server() as port:
            async with aiohttp.ClientSession() as session:
                for _ in range(STARTS + 3):
                    await asyncio.sleep(AT_REST)
                    took.append(await _start(stack, reader))
                    await asyncio.sleep(AT_REST)
                    yardsticks.append(await _yardstick(session, port))
    finally:
        os.close(reader)
    return took[3:], yardsticks[3:]


async def _start(stack: Stack, reader: int) -> float:
    """Seconds of one start; the instance is stopped again afterwards."""
    loop, reached = asyncio.get_running_loop(), asyncio.Event()
    writer = os.open(f"/proc/self/fd/{reader}", os.O_WRONLY)  # else the fifo is at its end between two starts
    loop.add_reader(reader, reached.set)
    began = time.perf_counter()
    await stack.call("PUT", "/middleware/s/running")
    await reached.wait()
    took = time.perf_counter() - began
    loop.remove_reader(reader)
    os.read(reader, 100)
    os.close(writer)
    await stack.becomes("middleware", "s", "running")
    await stack.call("PUT", "/middleware/s/stopped")
    await stack.becomes("middleware", "s", "stopped")
    return took


async def _yardstick(session: aiohttp.ClientSession, port: int) -> float:
    """Seconds of one bare HTTP round trip on loopback and one fork/exec of sh."""
    began = time.perf_counter()
    async with session.get(f"http://127.0.0.1:{port}/ping") as response:
        await response.read()
    process = await asyncio.create_subprocess_exec("/bin/sh", "-c", ":")
    await process.wait()
    return time.perf_counter() - began
