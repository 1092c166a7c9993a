"""The main job: from nothing to running and back, by wishes alone."""

import asyncio
import os
import signal
import sys

import pytest

from tests.e2e.tiny import Instance, Maker
from tests.testbeds.stack import Stack, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_make_demo_sees_every_step() -> None:
    demo = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.demo", "--once", stdout=-1, stderr=-2)
    printed, _ = await demo.communicate()
    assert demo.returncode == 0, printed.decode()


async def test_what_is_expected_to_run_is_installed_and_started(db: Instance) -> None:
    await db.create()
    assert (await db.get("/status"))["status"] == {"expect": "not-installed", "realtime": "not-installed"}
    answer = await db.wish("running")
    assert answer["status"]["expect"] == "running"
    await db.becomes("running")
    assert db.runs() == ["install", "start"]
    assert await db.walk() == ["installing", "stopped", "starting", "running"]


async def test_a_killed_service_fails_and_heals_and_is_on_the_list_of_the_day(db: Instance) -> None:
    await db.runs_from_nothing()
    before = db.pid
    os.kill(before, signal.SIGKILL)
    await db.ran("install", "start", "stop", "start")
    await db.becomes("running")
    assert db.pid != before
    assert (await db.changes())[-2:] == [("running", "failed", "exit"), ("failed", "running", "action")]
    assert any("process is gone" in event["sentence"] for event in await db.events())


async def test_stopped_and_running_again_is_stop_and_start(db: Instance) -> None:
    await db.runs_from_nothing()
    await db.wish("stopped")
    await db.becomes("stopped")
    await db.wish("running")
    await db.becomes("running")
    assert db.runs() == ["install", "start", "stop", "start"]


async def test_a_stopped_service_that_somebody_starts_is_stopped_again(db: Instance) -> None:
    await db.runs_from_nothing()
    await db.wish("stopped")
    await db.becomes("stopped")
    there = db.say_in_check('{"code": "0", "msg": "somebody started it"}')
    await db.ran("install", "start", "stop", "stop")
    there()


async def test_a_restart_without_a_script_crosses_stopped_and_is_no_change(db: Instance) -> None:
    await db.runs_from_nothing()
    before, changes = db.pid, await db.changes()
    await db.wish("restart")
    await db.ran("install", "start", "stop", "start")
    await db.becomes("running")
    assert (await db.walk())[-4:] == ["stopping", "stopped", "starting", "running"]
    assert db.pid != before
    assert await db.changes() == changes


async def test_a_restart_with_a_script_is_restarting(make: Maker) -> None:
    db = await make(restart="restart.sh").runs_from_nothing()
    await db.wish("restart")
    await db.ran("install", "start", "restart")
    await db.becomes("running")
    assert (await db.walk())[-2:] == ["restarting", "running"]


async def test_a_restart_of_what_is_not_expected_to_run_is_refused(db: Instance) -> None:
    await db.create()
    status, answer = await db.stack.call("PUT", f"{db.path}/restart")
    assert (status, answer["error"]["code"]) == (409, "conflict")
    assert "running" in answer["error"]["message"]


async def test_not_installed_stops_and_uninstalls_and_keeps_the_folder(db: Instance) -> None:
    await db.runs_from_nothing()
    data = db.agent.instance_dir(db.kind, db.name) / "data"
    data.write_text("precious")
    await db.wish("not-installed")
    await db.becomes("not-installed")
    assert db.runs() == ["install", "start", "stop", "uninstall"]
    assert data.read_text() == "precious"


async def test_deleting_what_runs_is_refused_with_both_ways(db: Instance) -> None:
    await db.runs_from_nothing()
    status, answer = await db.stack.call("DELETE", db.path)
    assert status == 409
    assert "?uninstall=true" in str(answer["error"]["details"])
    assert "?orphan=true" in str(answer["error"]["details"])
    assert await db.stack.realtime(db.kind, db.name) == "running"


async def test_deleted_with_uninstall_it_is_forgotten_when_it_is_gone(db: Instance) -> None:
    await db.runs_from_nothing()
    go_on = db.hold("uninstall")
    status, answer = await db.stack.call("DELETE", f"{db.path}?uninstall=true")
    assert (status, answer["name"]) == (200, db.name)
    await db.ran("install", "start", "stop", "uninstall")
    assert (await db.get())["deleting"] is True
    go_on()
    await _is_forgotten(db)


async def test_an_uninstall_that_fails_keeps_what_was_to_be_deleted(db: Instance) -> None:
    await db.runs_from_nothing()
    mend = db.fail("uninstall", "the volume is busy")
    await db.stack.call("DELETE", f"{db.path}?uninstall=true")
    await db.says("the volume is busy")
    assert (await db.get())["deleting"] is False
    mend()
    await db.stack.call("DELETE", f"{db.path}?uninstall=true")
    await _is_forgotten(db)


async def test_orphaned_it_runs_on_and_nobody_checks_it(db: Instance, stack: Stack) -> None:
    await db.runs_from_nothing()
    pid = db.pid
    status, _ = await stack.call("DELETE", f"{db.path}?orphan=true")
    assert status == 200
    await _is_forgotten(db)

    async def forgotten_by_agent() -> bool:
        return not list((db.agent.work_dir / "journal" / "instances").glob(f"{db.kind}.{db.name}.*"))

    await until(forgotten_by_agent, "the agent to forget it")
    os.kill(pid, 0)
    assert db.runs() == ["install", "start"]


async def _is_forgotten(db: Instance) -> None:
    async def gone() -> bool:
        status, _ = await db.stack.call("GET", db.path)
        return status == 404

    await until(gone, f"{db.name} to be forgotten")


@pytest.mark.parametrize("way", ["", "?uninstall=true", "?orphan=true"])
async def test_deleting_what_is_not_there_is_fine_and_says_so(stack: Stack, way: str) -> None:
    status, answer = await stack.call("DELETE", f"/middleware/nobody{way}")
    assert (status, answer["name"]) == (200, "nobody")
    assert "no middleware is called nobody" in answer["msg"]


async def test_what_is_not_installed_is_deleted_at_once(db: Instance, stack: Stack) -> None:
    await db.create()
    assert (await stack.call("DELETE", db.path))[0] == 200
    assert (await stack.call("GET", db.path))[0] == 404


async def test_what_is_held_is_seen_to_fail_and_left_alone_until_it_is_released(db: Instance, make: Maker) -> None:
    await db.runs_from_nothing()
    await db.wish("hold")
    os.kill(db.pid, signal.SIGKILL)
    await db.becomes("failed")
    await db.wish("restart")
    await make().runs_from_nothing()
    assert db.runs() == ["install", "start"]
    await db.wish("release")
    await db.becomes("running")
    assert db.runs() == ["install", "start", "stop", "start"]


async def test_what_runs_already_is_adopted_and_no_script_runs_beside_it(db: Instance) -> None:
    await db.runs_from_nothing()
    await db.stack.call("DELETE", f"{db.path}?orphan=true")
    await _is_forgotten(db)
    await db.create(status={"realtime": "running"})
    assert (await db.get("/status"))["status"] == {"expect": "running", "realtime": "running"}

    async def watched() -> bool:
        return (await db.member())["alive"] is True

    await until(watched, "the agent to watch the adopted process")
    assert db.runs() == ["install", "start"]
    os.kill(db.pid, signal.SIGKILL)
    await db.ran("install", "start", "stop", "start")


async def test_a_new_instance_inherits_nothing_from_a_deleted_one(make: Maker) -> None:
    former = await make().create(install="other.sh")
    await former.stack.call("DELETE", former.path)
    db = await make().create()
    assert (await db.get())["app"]["install"] == "install.sh"
    assert await db.operations() == []
    assert len(await db.events()) == 1


async def test_expecting_running_at_creation_starts_work_at_once(db: Instance) -> None:
    await db.create(status={"expect": "running"})
    await db.becomes("running")
    assert db.runs() == ["install", "start"]


async def test_what_is_adopted_and_found_dead_has_failed_and_a_slow_database_is_left_alone(db: Instance) -> None:
    db.say_in_check('{"code": "7", "msg": "no answer yet"}')
    await db.create(status={"realtime": "running"})
    await db.says("check 7: no answer yet")
    await db.becomes("failed")
    assert "left alone" in (await db.member())["waiting"]
    assert db.runs() == []
