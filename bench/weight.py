"""Measure 7: the agent's own weight with 20 instances, checked every 10 s."""

import asyncio
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from bench.result import Result, spread
from bench.software import publish, sleeper
from tests.testbeds.stack import Stack

INSTANCES = 20
SECONDS = 40.0
_MIB = 1 << 20
_BARE = "import aiohttp.web, sys; print('ready', flush=True); sys.stdin.read()"


async def measure() -> list[Result]:
    with tempfile.TemporaryDirectory() as name, _bare() as bare:
        folder = Path(name)
        await asyncio.to_thread(publish, folder / "repo")
        async with Stack(folder / "stack", folder / "repo") as stack:
            agent = await stack.add_agent()
            await _fill(stack)
            process = psutil.Process(agent.pid)
            resident, spent = [process.memory_info().rss], sum(process.cpu_times()[:2])
            for _ in range(4):
                await asyncio.sleep(SECONDS / 4)
                resident.append(process.memory_info().rss)
            cpu = 100 * (sum(process.cpu_times()[:2]) - spent) / SECONDS
            full = process.memory_full_info()
            more = {"pss MiB": full.pss / _MIB, "cpu %": cpu, "threads": float(process.num_threads())}
    weight, ratio = statistics.median(resident) / _MIB, statistics.median(resident) / bare
    return [
        Result("weight", 7, f"agent resident with {INSTANCES} instances", weight, "MiB", spread(resident),
               "python -c 'import aiohttp.web'", bare / _MIB, ratio, "≤ 1.2 ×", ratio <= 1.2, more=more),
        Result("cpu", 7, f"agent's own CPU with {INSTANCES} instances at 10 s", cpu, "%", 0.0, "one core", 100.0,
               cpu / 100, "< 0.5 %", cpu < 0.5),
    ]  # fmt: skip


async def _fill(stack: Stack) -> None:
    agent = stack.agents[0]
    for number in range(INSTANCES):
        body = sleeper(stack, agent, f"s{number}", FIFO="")
        body["app"]["status"] = {"expect": "running", "realtime": "not-installed"}
        await stack.call("POST", "/middleware/create", body)
    for number in range(INSTANCES):
        await stack.becomes("middleware", f"s{number}", "running", 60)


@contextmanager
def _bare() -> Iterator[int]:
    """Resident bytes of a Python that has imported aiohttp.web and does nothing."""
    with subprocess.Popen([sys.executable, "-c", _BARE], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        yield psutil.Process(process.pid).memory_info().rss
        process.kill()
