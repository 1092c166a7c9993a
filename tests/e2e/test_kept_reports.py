"""What an agent has to tell is told, once, however long nobody listened."""

import os
import subprocess
import time

import pytest

from tests.e2e.phantom import Phantom, join
from tests.e2e.tiny import Instance
from tests.testbeds.stack import Stack, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_changes_seen_while_the_controller_was_away_are_on_the_list_once_each(db: Instance, stack: Stack) -> None:
    await db.runs_from_nothing()
    await db.wish("hold")
    before = await db.changes()
    stack.controller.kill()
    os.kill(db.pid, 9)
    await _noted(db, 1)
    _start_by_hand(db)
    await _noted(db, 2)
    db.agent.kill()
    db.agent.start()
    os.kill(db.pid, 9)
    await _noted(db, 3)
    await stack.start_controller()
    await db.becomes("failed")
    told = [("running", "failed", "exit"), ("failed", "running", "check"), ("running", "failed", "exit")]
    assert await db.changes() == before + told
    stack.controller.kill()
    await stack.start_controller()
    await db.wish("release")
    await db.becomes("running")
    assert await db.changes() == [*before, *told, ("failed", "running", "action")]


async def test_a_report_that_comes_twice_is_taken_once(stack: Stack, db: Instance) -> None:
    host, name = await _phantom_database(stack, db)
    change = {"type": "database", "name": name, "number": 1, "from": "running", "to": "failed", "at": time.time()}
    seen = [{"type": "database", "name": name, "status": "failed", "installed": True}]
    report = host.report(instances=seen, changes=[change | {"cause": "check", "reason": "no answer"}])
    for _ in range(3):
        status, answer = await host.send(report)
        assert (status, answer["acknowledged"]) == (202, report["sequence"])
    assert await _changes_of(stack, name) == [("running", "failed")]


async def test_a_change_that_was_told_before_is_not_told_again(stack: Stack, db: Instance) -> None:
    host, name = await _phantom_database(stack, db)
    first = {"type": "database", "name": name, "number": 1, "from": "running", "to": "failed", "at": time.time()}
    second = first | {"number": 2, "from": "failed", "to": "running"}
    first["cause"] = second["cause"] = "check"
    seen = [{"type": "database", "name": name, "status": "running", "installed": True}]
    await host.send(host.report(instances=seen, changes=[first]))
    await host.send(host.report(instances=seen, changes=[first, second]))
    await host.send(host.report(instances=seen, changes=[first, second]))
    assert await _changes_of(stack, name) == [("running", "failed"), ("failed", "running")]


async def _phantom_database(stack: Stack, db: Instance) -> tuple[Phantom, str]:
    """A database that runs on a host whose agent is the test; held, so that nothing is done about it."""
    host = await join(stack)
    body = db.body(status={"realtime": "running"})
    body["host"] = [{"ip": "127.0.0.1", "agent_port": host.port}]
    status, answer = await stack.call("POST", "/database/create", body)
    assert status == 201, answer
    await db.wish("hold")
    return host, db.name


async def _changes_of(stack: Stack, name: str) -> list[tuple[str, str]]:
    day = time.strftime("%m%d")
    _, found = await stack.call("GET", f"/database/status/changed/{day}?detail=true")
    return [(each["from"], each["to"]) for each in found if each["name"] == name and "unknow" not in each.values()]


async def _noted(db: Instance, count: int) -> None:
    """Waits until the agent has journaled so many changes that no operation made."""
    record = db.agent.work_dir / "journal" / "instances" / f"{db.kind}.{db.name}.json"

    async def noted() -> bool:
        text = record.read_text()
        return text.count('"cause":"check"') + text.count('"cause":"exit"') == count

    await until(noted, f"the agent to note {count} changes")


def _start_by_hand(db: Instance) -> None:
    folder = db.agent.instance_dir(db.kind, db.name)
    environment = {"INSTANCE_DIR": str(folder)}
    started = subprocess.Popen(["sleep", "100000"], cwd=folder, env=environment, start_new_session=True)
    (folder / "pid").write_text(str(started.pid))
    started.returncode = 0  # it outlives this object, which must not complain
