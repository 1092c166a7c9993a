"""What people ask for: created, wished for, restarted, held, deleted, by HTTP and with an agent that obeys."""

import asyncio
from typing import Any

import pytest

from paas_controller.software.instances import Instance
from paas_controller.software.keeping import InEarnest
from tests.controller.agents import Agent
from tests.controller.shell import Shell, body

SEED = {
    "name": "mysql-5.7-192.168.19.100",
    "host": [{"ip": "192.168.19.100", "// auth": "said", "auth": [
        {"username": "root", "password": "root123"}, {"username": "sshuser", "password": "ssh123"}]}],
    "app": {
        "repo_url": "http://192.168.19.200:123/ftp/software/mysql/5.7/", "install": "install.sh", "start": "start.sh",
        "stop": "stop.sh", "restart": "restart.sh", "check": "check.sh", "uninstall": "uninstall.sh",
        "package": "mysql-5.7.tar.gz", "metadata": {"APP_USER": "mysql", "APP_PASSWD": "MYSQL123"},
        "// status": "said", "status": {"expect": "not-installed", "realtime": "not-installed"},
    },
}  # fmt: skip


async def test_creating_echoes_the_body_with_type_time_and_status(shell: Shell) -> None:
    created = await shell.post("/database/create", SEED)
    assert created.status == 201
    app: Any = {key: value for key, value in SEED["app"].items() if not key.startswith("//")}  # type: ignore[attr-defined]
    app["metadata"] = {"APP_USER": "mysql", "APP_PASSWD": "MYSQL123", "CreateAt": "2026-06-28 10:00:00"}
    host = [{"ip": "192.168.19.100", "auth": [
        {"username": "root", "password": "root123"}, {"username": "sshuser", "password": "ssh123"}]}]  # fmt: skip
    assert created.body == {"name": SEED["name"], "type": "database", "host": host, "app": app}


async def test_create_at_is_written_in_the_controllers_zone(tmp_path: Any) -> None:
    shell = Shell(tmp_path, settings={"time_zone": "Asia/Shanghai"})
    await shell.start()
    created = await shell.post("/database/create", body())
    assert created.body["app"]["metadata"]["CreateAt"] == "2026-06-28 18:00:00"
    await shell.stop()


async def test_a_name_is_taken_once_within_its_kind(shell: Shell) -> None:
    await shell.create()
    again = await shell.post("/database/create", body())
    assert again.status == 409
    assert "db" in again.message
    await shell.create(kind="middleware")


async def test_of_two_who_create_the_same_at_once_one_does(shell: Shell) -> None:
    answers = await asyncio.gather(*(shell.post("/database/create", body()) for _ in range(5)))
    assert sorted(answer.status for answer in answers) == [201, 409, 409, 409, 409]
    assert len((await shell.get("/database")).body["items"]) == 1


async def test_creating_answers_what_was_created_also_where_somebody_deletes_it_at_once(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = InEarnest.create

    async def then_deleted(*given: Any) -> Instance:
        created = await create(*given)
        assert (await shell.delete("/database/db")).status == 200
        return created

    monkeypatch.setattr(InEarnest, "create", then_deleted)
    created = await shell.post("/database/create", body())
    assert created.status == 201, created.body
    assert created.body["app"]["metadata"] == {"CreateAt": "2026-06-28 10:00:00"}


@pytest.mark.parametrize(
    ("given", "expect", "realtime"),
    [
        ({}, "not-installed", "not-installed"), ({"realtime": "running"}, "running", "running"),
        ({"realtime": "stopped"}, "stopped", "stopped"),
        ({"expect": "stopped", "realtime": "failed"}, "stopped", "failed"),
        ({"expect": "running", "realtime": "unknow"}, "running", "unknow"),
        ({"expect": "running"}, "running", "not-installed"),
    ],
)  # fmt: skip
async def test_a_status_given_at_creation_is_used(
    shell: Shell, given: dict[str, str], expect: str, realtime: str
) -> None:
    await shell.create(status=given)
    assert await shell.status() == (expect, realtime)


async def test_status_answers_with_the_name_and_both_states_and_nothing_else(shell: Shell) -> None:
    await shell.create()
    answer = await shell.get("/database/db/status")
    assert answer.body == {"name": "db", "status": {"expect": "not-installed", "realtime": "not-installed"}}
    assert (await shell.get("/middleware/db/status")).status == 404


async def test_expecting_running_installs_and_starts(shell: Shell, joined: Agent) -> None:
    await shell.create(joined.host)
    wished = await shell.put("/database/db/running")
    assert wished.status == 202
    assert wished.body == {"name": "db", "status": {"expect": "running", "realtime": "not-installed"}}
    await joined.obeys("install", "start")
    assert await shell.status() == ("running", "running")


async def test_expecting_not_installed_stops_and_uninstalls(shell: Shell, runs: Agent) -> None:
    await shell.put("/database/db/not-installed")
    await runs.obeys("stop", "uninstall")
    assert await shell.status() == ("not-installed", "not-installed")


async def test_while_something_is_done_the_status_says_what(shell: Shell, joined: Agent) -> None:
    await shell.create(joined.host, status={"expect": "running"})
    for action, while_it_lasts in (("install", "installing"), ("start", "starting")):
        got, order = await joined.ordered()
        assert got == action
        assert await shell.status() == ("running", while_it_lasts)
        await joined.ends(got, order)


async def test_an_expectation_that_changes_meanwhile_breaks_nothing_off(shell: Shell, joined: Agent) -> None:
    await shell.create(joined.host, status={"expect": "running"})
    _, install = await joined.ordered()
    await shell.put("/database/db/not-installed")
    assert await shell.status() == ("not-installed", "installing")
    await joined.ends("install", install)
    await joined.obeys("uninstall")


@pytest.mark.parametrize("wish", ["running", "stopped", "not-installed", "restart", "hold", "release"])
async def test_a_wish_for_what_is_not_there_is_a_404(shell: Shell, wish: str) -> None:
    assert (await shell.put(f"/database/db/{wish}")).status == 404


async def test_a_wish_repeated_is_no_news(shell: Shell) -> None:
    await shell.create()
    for _ in range(3):
        await shell.put("/database/db/stopped")
    story = (await shell.get("/database/db/events")).body["items"]
    assert [event["sentence"] for event in story] == [
        "admin expects stopped",
        "admin created it, expecting not-installed",
    ]


async def test_a_restart_is_one_operation_and_the_expectation_stays(shell: Shell, runs: Agent) -> None:
    asked = await shell.put("/database/db/restart")
    assert asked.status == 202
    assert asked.body["status"]["expect"] == "running"
    action, order = await runs.ordered()
    assert action == "restart"
    assert await shell.status() == ("running", "restarting")
    await runs.ends(action, order)
    assert await shell.status() == ("running", "running")
    assert len(runs.orders) == 1


async def test_restarts_asked_for_while_one_waits_are_one_and_one_more_while_it_runs(shell: Shell, runs: Agent) -> None:
    await shell.put("/database/db/hold")
    for _ in range(3):
        await shell.put("/database/db/restart")
    await shell.put("/database/db/release")
    _, first = await runs.ordered()
    for _ in range(3):
        await shell.put("/database/db/restart")
    await runs.ends("restart", first)
    await runs.obeys("restart")
    assert await shell.status() == ("running", "running")
    assert [action for action, _ in runs.orders] == ["restart", "restart"]


@pytest.mark.parametrize("expect", ["stopped", "not-installed"])
async def test_a_restart_takes_an_expectation_of_running(shell: Shell, expect: str) -> None:
    await shell.create(status={"expect": expect})
    refused = await shell.put("/database/db/restart")
    assert refused.status == 409
    assert refused.message == f"db is expected {expect}; a restart takes running"


async def test_what_is_held_is_left_alone_until_it_is_released(shell: Shell, runs: Agent) -> None:
    assert (await shell.put("/database/db/hold")).status == 202
    await shell.put("/database/db/stopped")
    assert "held" in (await shell.member())["waiting"]
    assert (await shell.get("/database/db")).body["held"] is True
    assert not runs.orders
    await shell.put("/database/db/release")
    await runs.obeys("stop")


async def test_what_is_held_is_observed_all_the_same(shell: Shell, runs: Agent) -> None:
    await shell.put("/database/db/hold")
    await runs.sees("stopped")
    assert await shell.status() == ("running", "stopped")
    assert not runs.orders


async def test_a_database_that_is_slow_to_answer_is_left_alone_and_a_middleware_restarted(
    shell: Shell, joined: Agent
) -> None:
    await shell.create(joined.host, name="db", kind="database", status={"realtime": "running"})
    await shell.create(joined.host, name="web", kind="middleware", status={"realtime": "running"})
    shell.clock.now += 0.01
    await joined.sees("failed", "db", "database", alive=True)
    await joined.sees("failed", "web", "middleware", alive=True)
    assert "left alone" in (await shell.member("db", "database"))["waiting"]
    assert (await shell.member("web", "middleware"))["retry_at"] > "2026-06-28T10:00:00.010Z"
    await shell.put("/middleware/web/running")
    await joined.obeys("restart")
    assert [order.name for _, order in joined.orders] == ["web"]
