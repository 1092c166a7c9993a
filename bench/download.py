"""Measure 9: a package through the agent, verified, to disk, against curl and sha256sum from the same server."""

import asyncio
import hashlib
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import aiohttp
from aiohttp import web

from bench.result import Result, spread
from paas_agent.packages import Packages

NAME = "package.tar.gz"


async def measure(size: int = 256 << 20, runs: int = 9) -> list[Result]:
    """Times both ways in turn, `runs` times, after one turn that only warms the page cache.

    The ratio is the median of the turns' own: the disk may be slower in one turn than in the next.
    """
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        await asyncio.to_thread(_publish, root / "repo", size)
        with _served(root / "repo") as url:
            turns = [(await _by_curl(root, url), await _by_agent(root, url)) for _ in range(runs + 1)][1:]
    curl, agent = statistics.median(turn[0] for turn in turns), [turn[1] for turn in turns]
    ratio = statistics.median(by_curl / by_agent for by_curl, by_agent in turns)
    speed = size / statistics.median(agent) / 2**20
    return [
        Result("download", 9, f"{size >> 20} MiB through the agent, verified", speed, "MiB/s", spread(agent),
               "curl -o f && sha256sum f", size / curl / 2**20, ratio, "≥ 1.2", ratio >= 1.2),
    ]  # fmt: skip


async def _by_curl(root: Path, url: str) -> float:
    await asyncio.to_thread(os.sync)  # what a former turn left to be written is not this one's work
    began = time.perf_counter()
    shell = await asyncio.create_subprocess_shell(f"curl -sf -o f {url}{NAME} && sha256sum f >sum", cwd=root)
    assert await shell.wait() == 0
    took = time.perf_counter() - began
    (root / "f").unlink()
    return took


async def _by_agent(root: Path, url: str) -> float:
    await asyncio.to_thread(os.sync)
    with tempfile.TemporaryDirectory(dir=root) as cache:
        began = time.perf_counter()
        async with aiohttp.ClientSession() as session:
            await Packages(Path(cache), session, own=lambda _: None).fetch(url, NAME)
        return time.perf_counter() - began


def _publish(folder: Path, size: int) -> None:
    folder.mkdir()
    content = os.urandom(size)
    (folder / NAME).write_bytes(content)
    (folder / "SHA256SUMS").write_text(f"{hashlib.sha256(content).hexdigest()}  {NAME}\n")
    os.sync()


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    """The folder as the controller serves its /repo/: aiohttp and sendfile, in a process of its own."""
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(folder, there), daemon=True)
    server.start()
    yield f"http://127.0.0.1:{here.recv()}/"
    server.terminate()
    server.join()


def _serve(folder: Path, ready: Connection) -> None:
    async def run() -> None:
        app = web.Application()
        app.router.add_static("/", folder)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        ready.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(run())
