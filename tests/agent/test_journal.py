"""The journal on disk: whole records, nobody else's eyes, a full disk, a broken file."""

import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from paas_agent.journal import Instance, Journal
from tests.agent.harness import SLOW, Agent, Controller, Orders, Repository, runs, until
from tests.testbeds.small_disk import small_disk


async def test_what_was_saved_is_loaded_again(tmp_path: Path, order: Orders) -> None:
    journal = Journal(tmp_path)
    await journal.save(Instance(order(name="a"), "running", installed=True))
    await journal.save(Instance(order(name="b"), "failed", installed=False, reason="x"))
    again = Journal(tmp_path)
    assert again.state.epoch == journal.state.epoch
    assert [(one.key, one.status, one.reason) for one in again.load()] == [
        (("database", "a"), "running", ""),
        (("database", "b"), "failed", "x"),
    ]


async def test_numbers_of_reports_never_come_twice(tmp_path: Path) -> None:
    numbers = [await Journal(tmp_path).next_sequence() for _ in range(3)]
    journal = Journal(tmp_path)
    numbers += [await journal.next_sequence() for _ in range(2500)]
    numbers.append(await Journal(tmp_path).next_sequence())
    assert numbers == sorted(set(numbers))


async def test_all_that_was_asked_for_is_written_in_its_order_when_the_journal_closes(
    tmp_path: Path, order: Orders
) -> None:
    journal = Journal(tmp_path)
    record = Instance(order(), "running", installed=True)
    for number in range(100):
        record.reason = str(number)
        journal.save_whatever(record)
    record.reason = "changed after it was handed over"
    journal.close()
    assert [one.reason for one in Journal(tmp_path).load()] == ["99"]


@pytest.mark.parametrize("rubbish", [b"", b"{", b"\0" * 4096, b'{"order": 3}', b"\xff\xfe", b"[" * 100_000])
async def test_a_broken_record_is_set_aside_and_the_others_stay(tmp_path: Path, order: Orders, rubbish: bytes) -> None:
    journal = Journal(tmp_path)
    await journal.save(Instance(order(name="a"), "running", installed=True))
    record = tmp_path / "journal" / "instances" / "database.b.json"
    record.write_bytes(rubbish)
    assert [one.order.name for one in Journal(tmp_path).load()] == ["a"]
    assert record.with_name("database.b.json.broken").read_bytes() == rubbish
    assert [one.order.name for one in Journal(tmp_path).load()] == ["a"]


async def test_a_half_written_record_leaves_the_old_one(tmp_path: Path, order: Orders) -> None:
    journal = Journal(tmp_path)
    await journal.save(Instance(order(), "running", installed=True))
    (tmp_path / "journal" / "instances" / "database.db1.json.new").write_text('{"order": ')
    assert [one.status for one in Journal(tmp_path).load()] == ["running"]


def test_a_journal_without_its_numbers_is_a_new_one(tmp_path: Path) -> None:
    epoch = Journal(tmp_path).state.epoch
    (tmp_path / "journal" / "state.json").write_text("?")
    assert Journal(tmp_path).state.epoch != epoch


async def test_secrets_are_on_disk_for_the_agent_alone(agent: Agent, controller: Controller, order: Orders) -> None:
    await agent.order("install", order("op", metadata={"APP_PASSWD": "MYSQL123"}))
    await controller.outcome("op")
    assert stat.S_IMODE(agent.work_dir.stat().st_mode) == 0o700
    holding = [path for path in agent.work_dir.rglob("*") if path.is_file() and b"MYSQL123" in path.read_bytes()]
    assert {path.name for path in holding} == {"database.db1.json", "order.json"}
    for path in (*holding, agent.work_dir / "agent.json"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A work folder on a file system of two megabytes."""
    with small_disk(tmp_path / "work", "2m") as folder:
        yield folder


def fill(folder: Path) -> Path:
    """Take the last byte of that file system."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    return ballast


async def test_on_a_full_disk_orders_are_refused_and_what_was_accepted_is_kept(
    disk: Path, agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(install=SLOW + "exit 0")
    wanted = order("op")
    await agent.order("install", wanted)
    await until(lambda: runs(agent.folder(wanted)) == 1)
    ballast = fill(disk)
    status, answer = await agent.send("install", order("late", name="db2"))
    assert (status, answer["error"]["code"]) == (507, "disk-full")
    (agent.folder(wanted) / "go").touch()
    outcome = await controller.outcome("op")
    assert (outcome.state, outcome.status) == ("succeeded", "stopped")
    await agent.kill()
    ballast.unlink()
    await agent.start()
    await controller.status("stopped")
    assert await agent.order("install", wanted) == "op"
    assert runs(agent.folder(wanted)) == 1
    assert await agent.order("install", order("late", name="db2")) == "late"


async def test_reports_count_on_after_a_crash_on_a_full_disk(
    disk: Path, agent: Agent, controller: Controller, order: Orders
) -> None:
    wanted = order("op", believed="stopped", check_interval=3600)
    await agent.order("start", wanted)
    await controller.outcome("op")
    await agent.stop()
    ballast = fill(disk)
    for _ in range(2):
        await agent.start()
        reports = len(controller.reports)
        await until(lambda known=reports: len(controller.reports) > known + 2)
        await agent.kill()
    ballast.unlink()
    await agent.start()
    os.kill(int((agent.folder(wanted) / "pid").read_text()), signal.SIGKILL)
    await controller.status("failed")
    assert controller.changes[-1] == ("running", "failed", "exit")


async def test_a_package_larger_than_the_disk_is_the_environments_fault_and_touches_nothing(
    disk: Path, agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.files["big.tar.gz"] = b"x" * 4 * 1024**2
    await agent.order("install", order("op", package="big.tar.gz"))
    outcome = await controller.outcome("op")
    assert (outcome.state, outcome.status, outcome.fault) == ("failed", "not-installed", "environment")
    assert "big.tar.gz" in outcome.message


async def test_a_script_that_cannot_record_its_start_has_not_run(
    disk: Path, agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(install="touch ran")
    repository.stalled.add("install.sh")
    wanted = order("op")
    await agent.order("install", wanted)
    await until(lambda: "install.sh" in repository.asked)
    fill(disk)
    repository.stalled.clear()
    outcome = await controller.outcome("op")
    assert (outcome.state, outcome.status, outcome.fault) == ("failed", "not-installed", "environment")
    assert not (agent.folder(wanted) / "ran").exists()
