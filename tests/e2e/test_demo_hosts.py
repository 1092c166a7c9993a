"""`make demo HOSTS=3`, to its end."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import demo_hosts

_START = """
import pathlib, sys
from tests import demo, demo_hosts
demo.FOLDER, demo_hosts.PACKAGES = pathlib.Path(sys.argv.pop(1)), pathlib.Path(sys.argv.pop(1))
sys.exit(demo_hosts.main())
"""


@pytest.mark.usefixtures("bed")  # it says where there can be no hosts
async def test_every_step_on_fresh_hosts_is_seen(packages: Path, tmp_path: Path) -> None:
    root = Path(demo_hosts.__file__).parents[1]
    command = [sys.executable, "-c", _START, str(tmp_path / "demo"), str(packages), "3", "--once"]
    how: dict[str, Any] = {"cwd": root, "capture_output": True, "text": True, "check": False, "timeout": 120}
    done = await asyncio.to_thread(subprocess.run, command, **how)
    assert done.returncode == 0, done.stdout + done.stderr
    for seen in ("nobody logged in anywhere", "the watched process is gone", "nginx ran on all the while"):
        assert seen in done.stdout
    assert done.stdout.endswith("everything was seen\n")


def test_who_is_not_root_is_told_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(sys, "argv", ["demo_hosts", "4"])
    assert demo_hosts.main() == 1
    assert capsys.readouterr().err == "hosts with systemd take root to start; run this as root\n"
