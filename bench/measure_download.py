"""A package through the agent, verified, to disk, against `curl -o f && sha256sum f` from the same web server.

`python -m bench.measure_download` prints how many times faster the agent is and writes bench/results/download.json.
"""

import asyncio
import hashlib
import json
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypedDict

import aiohttp
from aiohttp import web

from paas_agent.packages import Packages

NAME = "package.tar.gz"
RESULTS = Path(__file__).parent / "results"


class Result(TypedDict):
    """Seconds; `spread` is the agent's slowest run less its fastest, as a part of the median."""

    name: str
    runs: list[dict[str, float]]
    median: float
    spread: float
    ratio: float


async def measure(size: int = 256 << 20, runs: int = 5) -> Result:
    """Time both ways in turn, `runs` times, after one turn that only warms the page cache."""
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        _publish(root / "repo", size)
        with _served(root / "repo") as url:
            turns = [{"curl": await _by_curl(root, url), "agent": await _by_agent(root, url)} for _ in range(runs + 1)][
                1:
            ]
    agent, curl = ([turn[way] for turn in turns] for way in ("agent", "curl"))
    median = statistics.median(agent)
    return Result(
        name="download",
        runs=turns,
        median=median,
        spread=(max(agent) - min(agent)) / median,
        ratio=statistics.median(curl) / median,
    )


async def _by_curl(root: Path, url: str) -> float:
    began = time.perf_counter()
    shell = await asyncio.create_subprocess_shell(f"curl -sf -o f {url}{NAME} && sha256sum f >sum", cwd=root)
    assert await shell.wait() == 0
    took = time.perf_counter() - began
    (root / "f").unlink()
    return took


async def _by_agent(root: Path, url: str) -> float:
    with tempfile.TemporaryDirectory(dir=root) as cache:
        began = time.perf_counter()
        async with aiohttp.ClientSession() as session:
            await Packages(Path(cache), session, token_for=lambda _: None).fetch(url, NAME)
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


if __name__ == "__main__":
    result = asyncio.run(measure())
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "download.json").write_text(json.dumps(result, indent=2) + "\n")
    print(f"download: {result['ratio']:.2f} x curl and sha256sum, {result['median']:.2f} s +- {result['spread']:.0%}")
