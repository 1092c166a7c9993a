"""Scripts that hang, print too much, fail or lie: a sentence for the person, and the last good state kept."""

import os
import time
from pathlib import Path

import psutil
import pytest

from tests.e2e.tiny import TEXTS, Instance, Maker
from tests.testbeds.stack import Stack, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_script_that_hangs_is_ended_at_its_deadline(db: Instance) -> None:
    go_on = db.hold("install")
    await db.create(timeouts={"install": 1})
    await db.wish("running")
    await db.says("the install did not end within 1 s")
    assert (await db.operations())[0]["state"] == "timed-out"
    go_on()
    await db.becomes("running")


async def test_what_a_failing_script_said_reaches_the_person(db: Instance) -> None:
    mend = db.fail("start", "port 3306 is taken by process 4711")
    await db.create()
    await db.wish("running")
    member = await db.says("port 3306 is taken by process 4711")
    assert "start.sh ended with exit code 3" in member["reason"]
    mend()
    await db.becomes("running")


async def test_a_failing_stop_leaves_it_stopped_or_failed_never_running(db: Instance) -> None:
    await db.runs_from_nothing()
    mend = db.fail("stop", "the service does not listen")
    await db.wish("stopped")
    await db.says("the service does not listen")
    assert await db.stack.realtime(db.kind, db.name) in ("failed", "stopping")
    mend()
    await db.becomes("stopped")


async def test_a_wish_tries_again_at_once_what_had_failed(db: Instance) -> None:
    mend = db.fail("start", "no licence")
    await db.create()
    await db.wish("running")
    await _failed(db, 3)
    mend()
    await db.wish("running")
    await db.becomes("running", 2)


async def test_a_hundred_megabytes_of_output_are_cut_and_fill_no_disk(make: Maker, stack: Stack, repo: Path) -> None:
    loud = "head -c 100000000 /dev/zero | tr '\\0' 'x'\necho the end\n"
    (repo / "loud.sh").write_text(TEXTS["install"] + loud)
    db = await make(install="loud.sh").runs_from_nothing()
    operation = (await db.operations())[0]
    _, log = await stack.call("GET", f"/operations/{operation['id']}/log")
    assert log["data"].endswith("the end\n")
    assert "bytes cut" in log["data"][:100]
    assert len(log["data"]) < 300 * 1024


@pytest.mark.parametrize(
    ("printed", "told"),
    [
        ("rubbish", "printed no JSON object but: rubbish"),
        ('{"code": 0, "msg": "a number"}', "has to be a string"),
        ("{{{{[[[", "printed no JSON object"),
        ('{"code": "7", "msg": "the replica lags"}', "the replica lags"),
        ("\\xff\\xfe{}", "has to be a string"),
    ],
)
async def test_a_check_that_prints_this_is_a_failed_check_that_says_so(db: Instance, printed: str, told: str) -> None:
    db.app = {"check_fall": 1}
    await db.runs_from_nothing()
    await db.wish("hold")
    db.say_in_check(printed)
    await db.becomes("failed")
    assert told in (await db.member())["reason"]
    assert (await db.changes())[-1] == ("running", "failed", "check")


async def test_a_database_whose_process_lives_is_not_restarted_for_a_slow_check(db: Instance, make: Maker) -> None:
    await db.runs_from_nothing()
    heal = db.say_in_check('{"code": "1", "msg": "slow"}')
    await db.becomes("failed")
    await make().runs_from_nothing()
    assert db.runs() == ["install", "start"]
    heal()
    await db.becomes("running")


async def test_a_pid_file_that_names_a_stranger_is_not_believed(make: Maker, repo: Path) -> None:
    await until(_is_old, "this process to be older than any tolerance")
    lie = f"mv pid own; echo {os.getpid()} >pid\n"
    (repo / "stranger.sh").write_text(TEXTS["start"] + lie)
    (repo / "own.sh").write_text("""[ ! -e own ] || echo '{"code": "0", "msg": "fine"}'\n""")
    db = await make(start="stranger.sh", check="own.sh").runs_from_nothing()
    member = await db.says("which ran before and is not the instance's")
    assert member["alive"] is None


async def _is_old() -> bool:
    return time.time() - psutil.Process().create_time() > 3


async def _failed(db: Instance, count: int) -> None:
    async def failed() -> bool:
        return sum(each["state"] == "failed" for each in await db.operations()) >= count

    await until(failed, f"{count} failed operations")
