"""The demo, ended and begun at the wrong moment."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests import demo
from tests.testbeds.stack import end_below, until

START = """
import pathlib, sys
from tests import demo
demo.FOLDER = pathlib.Path(sys.argv.pop(1))
sys.exit(demo.main())
"""
Begin = Callable[[], subprocess.Popen[str]]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "demo"
    for process in processes(tmp_path / "demo"):
        process.kill()
    end_below(tmp_path / "demo")


@pytest.fixture
def begin(folder: Path) -> Begin:
    """A function that begins a demo in the folder."""
    command = [sys.executable, "-c", START, str(folder)]
    root = Path(demo.__file__).parents[1]

    def begin() -> subprocess.Popen[str]:
        return subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    return begin


def processes(folder: Path) -> list[psutil.Process]:
    """The programs that were started on this folder, the demo itself left out."""
    mark = f"{folder}/"
    every = psutil.process_iter(["cmdline"])
    return [process for process in every if any(mark in part for part in process.info["cmdline"] or ())]


async def test_a_second_demo_is_refused_and_touches_nothing(
    folder: Path, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "FOLDER", folder)
    with demo.alone():
        (folder / "of-the-first").touch()
        second = begin()
        printed, _ = await asyncio.to_thread(second.communicate, timeout=60)
    assert (second.returncode, printed) == (1, f"a demo runs in {folder} already; end that one first\n")
    assert (folder / "of-the-first").exists()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
async def test_a_demo_that_is_ended_while_it_comes_up_leaves_nothing_running(
    folder: Path, begin: Begin, number: signal.Signals, code: int
) -> None:
    async def controller_runs() -> bool:
        return bool(processes(folder))

    begun = begin()
    await until(controller_runs, "the controller to be started")
    begun.send_signal(number)
    printed, _ = await asyncio.to_thread(begun.communicate, timeout=60)
    assert (begun.returncode, "Traceback" in printed) == (code, False), printed
    assert processes(folder) == []
