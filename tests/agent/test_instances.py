"""The list of changes: numbered, kept until it is taken, and told once more whole when its day has ended."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from paas_agent import instances as rooms
from paas_agent.contract import Change, Outcome, Report
from paas_agent.instances import Instances
from paas_agent.journal import Journal, Operation
from paas_agent.live import Live
from tests.agent.harness import Orders

NOON = 1_795_262_400.0
DAY = 86400.0


@dataclass
class Clock:
    now: float = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def instances(tmp_path: Path, clock: Clock) -> AsyncIterator[Instances]:
    journal = Journal(tmp_path)
    yield Instances(journal, clock, lambda: None)
    journal.close()


@pytest.fixture
async def live(instances: Instances, order: Orders) -> Live:
    live = instances.adopt(order(believed="stopped", check_fall=1))
    instances.observe(live, "0", "fine")
    return live


def told(instances: Instances) -> list[Change]:
    """The changes of a report that is then acknowledged."""
    report = Report(host="h", epoch="e", sequence=1, full=True, sent_at=0)
    instances.fill(report)
    assert len(msgspec.json.encode(report)) < 1024**2
    instances.acknowledge(report)
    return report.changes


async def test_a_change_is_told_until_it_is_taken(instances: Instances, live: Live) -> None:
    report = Report(host="h", epoch="e", sequence=1, full=True, sent_at=0)
    instances.fill(report)
    assert [(change.number, change.before, change.after) for change in report.changes] == [(1, "stopped", "running")]
    assert len(told(instances)) == 1
    assert told(instances) == []


async def test_a_day_that_has_ended_is_told_once_more_whole(instances: Instances, live: Live, clock: Clock) -> None:
    instances.observe(live, "1", "bad")
    assert [change.number for change in told(instances)] == [1, 2]
    clock.now += DAY
    instances.observe(live, "0", "good")
    assert [change.number for change in told(instances)] == [1, 2, 3]
    assert told(instances) == []
    clock.now += DAY
    assert [change.number for change in told(instances)] == [3]
    assert told(instances) == []


async def test_what_was_told_is_remembered_over_a_restart(
    tmp_path: Path, instances: Instances, live: Live, clock: Clock
) -> None:
    told(instances)
    instances.journal.close()
    again = Instances(Journal(tmp_path), clock, lambda: None)
    assert told(again) == []
    found = again.get(live.key)
    assert found is not None
    again.observe(found, "1", "bad")
    assert [change.number for change in told(again)] == [2]


async def test_old_changes_are_dropped_when_they_were_told(instances: Instances, live: Live, clock: Clock) -> None:
    told(instances)
    clock.now += 10 * DAY
    told(instances)
    instances.observe(live, "1", "bad")
    assert [change.number for change in live.record.changes] == [2]


async def test_a_flapping_instance_fills_many_small_reports(tmp_path: Path, clock: Clock, order: Orders) -> None:
    instances = Instances(Journal(tmp_path, lambda *_: None), clock, lambda: None)
    live = instances.adopt(order(believed="stopped", check_fall=1))
    for _ in range(rooms.KEPT_CHANGES):
        instances.observe(live, "1", "\x1b" * 500)
        instances.observe(live, "0", "\x1b" * 500)
    count = 0
    while changes := told(instances):
        assert len(changes) <= rooms.REPORTED_CHANGES
        count += len(changes)
    assert count == rooms.KEPT_CHANGES


async def test_the_streak_counts_results_that_agree(instances: Instances, live: Live) -> None:
    for code, streak in (("0", 2), ("1", 1), ("2", 2), ("0", 1)):
        instances.observe(live, code, "")
        assert live.check is not None
        assert (live.check.code, live.check.streak) == (code, streak)


async def test_the_last_twenty_operations_are_kept_and_what_was_not_taken(
    instances: Instances, live: Live, order: Orders
) -> None:
    async def operate(number: int) -> None:
        operation_id = f"op{number}"
        await instances.begin(Operation(operation_id, "stop", order(operation_id), NOON, "boot"))
        instances.journal.operation_folder(operation_id).mkdir()
        outcome = Outcome(
            operation_id=operation_id,
            type="database",
            name="db1",
            action="stop",
            state="succeeded",
            status="stopped",
            installed=True,
        )
        instances.settle(live, outcome, "")

    for number in range(30):
        await operate(number)
    assert len(live.record.ended) == 30
    told(instances)
    await operate(30)
    instances.journal.close()
    kept = [ended.outcome.operation_id for ended in live.record.ended]
    assert kept == [f"op{number}" for number in range(11, 31)]
    assert {folder.name for folder in instances.journal.operation_folder("x").parent.iterdir()} == set(kept)
