"""The watched process: its end counts at once, and a stranger is never taken for it."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from paas_agent.process import boot_id, identify
from paas_agent.watch import Stranger, find
from tests.agent.harness import GOOD, SERVICE, Agent, Controller, Orders, Repository, until

BOOT = boot_id()


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "1000"]) as process:
        yield process
        process.kill()


def named(folder: Path, text: object) -> Path:
    (folder / "pid").write_text(f"{text}\n")
    return folder


def test_a_young_process_is_the_one_and_an_old_one_only_when_it_was_known(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    identity = identify(sleeper.pid, BOOT)
    folder = named(tmp_path, sleeper.pid)
    assert find(folder, known=None, since=time.time(), boot=BOOT) == identity
    assert find(folder, known=identity, since=time.time() + 100, boot=BOOT) == identity
    with pytest.raises(Stranger, match="ran before"):
        find(folder, known=None, since=time.time() + 100, boot=BOOT)


def test_an_old_process_that_carries_the_folder_is_the_one(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "1000"], env={"INSTANCE_DIR": str(tmp_path)}) as process:
        assert find(named(tmp_path, process.pid), known=None, since=time.time() + 100, boot=BOOT) is not None
        process.kill()


def test_an_old_process_that_works_in_the_folder_is_the_one(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with subprocess.Popen(["sleep", "1000"], cwd=tmp_path / "data", env={}) as process:
        assert find(named(tmp_path, process.pid), known=None, since=time.time() + 100, boot=BOOT) is not None
        process.kill()


def test_a_process_younger_than_the_pid_file_is_a_stranger(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    folder = named(tmp_path, sleeper.pid)
    os.utime(folder / "pid", (1, time.time() - 60))
    with pytest.raises(Stranger, match="older than process"):
        find(folder, known=None, since=0, boot=BOOT)


def test_a_zombie_is_nobody(tmp_path: Path) -> None:
    process = subprocess.Popen(["true"])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    with pytest.raises(Stranger, match="no such process"):
        find(named(tmp_path, process.pid), known=None, since=0, boot=BOOT)
    process.wait()


@pytest.mark.parametrize("text", ["1", "2", "0", "-1", "x", "99999999", "9" * 40, "../1", "١"])
def test_what_cannot_be_the_instances_process_is_a_stranger(tmp_path: Path, text: str) -> None:
    with pytest.raises(Stranger):
        find(named(tmp_path, text), known=None, since=0, boot=BOOT)


def test_the_agent_itself_is_a_stranger(tmp_path: Path) -> None:
    with pytest.raises(Stranger):
        find(named(tmp_path, os.getpid()), known=None, since=0, boot=BOOT)


def test_a_pid_file_that_is_none_is_not_read(tmp_path: Path) -> None:
    assert find(tmp_path, known=None, since=0, boot=BOOT) is None
    os.mkfifo(tmp_path / "pid")
    assert find(tmp_path, known=None, since=0, boot=BOOT) is None


async def test_the_end_of_a_watched_process_is_told_at_once(
    agent: Agent, controller: Controller, order: Orders
) -> None:
    controller.interval = 3600
    wanted = order("op", believed="stopped", check_interval=3600)
    await agent.order("start", wanted)
    await controller.outcome("op")
    os.kill(int((agent.folder(wanted) / "pid").read_text()), signal.SIGKILL)
    await controller.status("failed")  # long before the next report is due
    assert controller.changes[-1] == ("running", "failed", "exit")
    assert controller.reports[-1].instances[0].reason == "the watched process is gone"


async def test_a_pid_file_that_names_a_stranger_is_not_watched_and_said_so(
    agent: Agent, controller: Controller, repository: Repository, order: Orders, sleeper: subprocess.Popen[bytes]
) -> None:
    repository.put(start=f'echo {os.getpid()} > "$INSTANCE_DIR/pid"', check=GOOD)
    await until(lambda: time.time() - psutil.Process().create_time() > 3)  # older than any tolerance
    await agent.order("start", order("op", believed="stopped"))
    outcome = await controller.outcome("op")
    assert (outcome.status, outcome.alive) == ("running", None)
    await until(lambda: controller.reports[-1].instances[0].reason)
    assert "is not the instance's" in controller.reports[-1].instances[0].reason


async def test_a_service_restarted_by_somebody_else_is_found_again(
    agent: Agent, controller: Controller, order: Orders
) -> None:
    wanted = order("op", believed="stopped", check_interval=3600)
    await agent.order("start", wanted)
    await controller.outcome("op")
    folder = agent.folder(wanted)
    os.kill(int((folder / "pid").read_text()), signal.SIGKILL)
    await controller.status("failed")
    subprocess.run(["sh", "-c", SERVICE], env={**os.environ, "INSTANCE_DIR": str(folder)}, check=True)
    assert (await agent.send("check", wanted))[1]["code"] == "0"
    await controller.status("running")
    assert controller.reports[-1].instances[0].alive is True
    os.kill(int((folder / "pid").read_text()), signal.SIGKILL)
    await controller.status("failed")
