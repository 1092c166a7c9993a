"""PUT of a spec: what counts when, what becomes of hosts, and what a record that is written back leaves as it was."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.controller.agents import Agent
from tests.controller.shell import Shell, body
from tests.testbeds.stack import until


@pytest.fixture
async def runs(shell: Shell, joined: Agent) -> Agent:
    """An agent with a running database, installed by this controller."""
    await shell.create(joined.host, status={"expect": "running"}, metadata={"APP_PASSWD": "secret1", "PORT": "3306"})
    await joined.obeys("install", "start")
    return joined


@pytest.fixture
async def other(shell: Shell) -> AsyncIterator[Agent]:
    """A second agent that has joined."""
    agent = Agent(shell)
    await agent.start()
    await agent.join()
    yield agent
    await agent.stop()


async def record(shell: Shell) -> Any:
    return (await shell.get("/database/db")).body


async def generations(shell: Shell) -> tuple[int, int]:
    """The spec's, and the one that is applied."""
    found = await record(shell)
    return found["generation"], found["applied_generation"]


async def changed(shell: Shell, query: str = "", **app: Any) -> Any:
    """The answer to the record written back with these keys of `app` changed."""
    document = await record(shell)
    document["app"] |= app
    return await shell.put(f"/database/db{query}", document)


async def test_a_record_written_back_changes_nothing(shell: Shell, runs: Agent) -> None:
    before = await record(shell)
    assert before["app"]["metadata"]["APP_PASSWD"] == "******"
    answer = await shell.put("/database/db", before)
    assert answer.status == 200, answer.body
    assert answer.body == before
    assert (await record(shell)) == before


async def test_a_masked_value_stays_what_it_was(shell: Shell, runs: Agent) -> None:
    answer = await changed(shell, "?apply=restart", metadata={"APP_PASSWD": "******", "PORT": "3307"})
    assert answer.status == 200, answer.body
    _, order = await runs.ordered()
    assert (order.metadata["APP_PASSWD"], order.metadata["PORT"]) == ("secret1", "3307")


async def test_a_mask_with_nothing_behind_it_is_refused(shell: Shell, runs: Agent) -> None:
    answer = await changed(shell, metadata={"NEW_TOKEN": "******"})
    assert answer.status == 400
    assert answer.message == "app.metadata.NEW_TOKEN is masked, and there is no former value to keep; write the value"


TWO = {
    "one-two": [{"username": "root", "password": "one"}, {"username": "root", "password": "two"}],
    "key": [{"username": "root", "password": "one"}, {"username": "root", "private_key": "-----BEGIN KEY-----"}],
}


async def test_labels_of_any_name_are_written_back_as_they_were(shell: Shell) -> None:
    labels = {"password": "changes-often", "private_key": "none"}
    await shell.post("/database/create", body() | {"labels": labels})
    assert (await record(shell))["labels"] == labels
    assert (await shell.put("/database/db", await record(shell))).body["labels"] == labels


@pytest.mark.parametrize("secrets", ["one-two", "key"])
async def test_two_entries_of_one_user_are_written_back_as_they_were(shell: Shell, secrets: str) -> None:
    await shell.post("/database/create", body() | {"host": [{"ip": "h1", "auth": TWO[secrets]}]})
    before = await record(shell)
    answer = await shell.put("/database/db", before)
    assert (answer.status, answer.body) == (200, before)
    same = await shell.post("/database/create", body("other") | {"host": [{"ip": "h1", "auth": TWO[secrets]}]})
    assert same.status == 201, same.body


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"host": [{"ip": "h1", "auth": [{"username": "root", "password": "******"}]}]}, "host.0.auth.0.password"),
        ({"app": body(metadata={"PASSWORD": "******"})["app"]}, "app.metadata.PASSWORD"),
    ],
)
async def test_a_mask_at_creation_stands_for_nothing(shell: Shell, wrong: dict[str, Any], field: str) -> None:
    for query in ("", "?dry_run=true"):
        answer = await shell.post(f"/database/create{query}", body() | wrong)
        assert answer.status == 400, answer.body
        assert answer.message == f"{field} is masked, and there is no former value to keep; write the value"
    assert (await shell.get("/database/db")).status == 404


async def test_a_changed_spec_counts_from_the_next_action_on_and_is_drift_until_then(shell: Shell, runs: Agent) -> None:
    assert (await changed(shell, metadata={"PORT": "3307"})).status == 200
    assert await generations(shell) == (2, 1)
    assert [one["name"] for one in (await shell.get("/database?drift=true")).body["items"]] == ["db"]
    assert len(runs.orders) == 2
    await shell.put("/database/db/restart")
    await runs.obeys("restart")
    assert await generations(shell) == (2, 2)
    assert (await shell.get("/database?drift=true")).body["items"] == []


async def test_apply_restart_restarts_at_once(shell: Shell, runs: Agent) -> None:
    await changed(shell, "?apply=restart", metadata={"PORT": "3307"})
    await runs.obeys("restart")
    assert await generations(shell) == (2, 2)


async def test_apply_reinstall_installs_over_what_runs_and_starts_it_again(shell: Shell, runs: Agent) -> None:
    await changed(shell, "?apply=reinstall", package="new.tar.gz")
    await runs.obeys("install", "start")
    assert runs.orders[2][1].package == "new.tar.gz"
    assert await generations(shell) == (2, 2)
    assert await shell.status() == ("running", "running")


async def test_a_reinstall_that_failed_is_tried_again_and_not_merely_restarted(shell: Shell, runs: Agent) -> None:
    await changed(shell, "?apply=reinstall")
    action, order = await runs.ordered()
    await runs.ends(action, order, "failed", status="failed", installed=True)
    shell.clock.now += 60
    await runs.report()
    assert (await runs.ordered())[0] == "install"


@pytest.mark.parametrize(("apply", "expect"), [("restart", "stopped"), ("reinstall", "not-installed")])
async def test_there_has_to_be_something_to_apply_it_to(shell: Shell, apply: str, expect: str) -> None:
    await shell.create(status={"realtime": expect})
    answer = await changed(shell, f"?apply={apply}", metadata={"PORT": "1"})
    assert (answer.status, await generations(shell)) == (409, (1, 1 if expect == "stopped" else None))
    assert f"db is expected {expect}; apply={apply} takes" in answer.message


async def test_labels_and_self_heal_are_taken_without_any_action(shell: Shell, runs: Agent) -> None:
    document = await record(shell)
    answer = await shell.put("/database/db", document | {"labels": {"team": "a"}})
    assert (answer.status, answer.body["labels"], answer.body["drift"]) == (200, {"team": "a"}, False)


async def test_a_spec_survives_a_restart_of_the_controller(shell: Shell, runs: Agent) -> None:
    await changed(shell, metadata={"PORT": "3307"})
    before = await record(shell)
    await shell.restart()
    after = await record(shell)
    assert after["app"]["metadata"] == before["app"]["metadata"]
    assert await generations(shell) == (2, 1)


async def test_a_stale_writer_is_told_so_and_changes_nothing(shell: Shell, runs: Agent) -> None:
    read = await shell.get("/database/db")
    tag = read.headers["ETag"]
    first = await shell.put("/database/db", read.body | {"labels": {"by": "first"}}, headers={"If-Match": tag})
    assert first.status == 200
    second = await shell.put("/database/db", read.body | {"labels": {"by": "second"}}, headers={"If-Match": tag})
    assert second.status == 409
    assert (await record(shell))["labels"] == {"by": "first"}


async def test_what_is_observed_makes_no_writer_stale(shell: Shell, runs: Agent) -> None:
    read = await shell.get("/database/db")
    await runs.sees("failed", alive=False)
    headers = {"If-Match": read.headers["ETag"]}
    assert (await shell.put("/database/db", read.body, headers=headers)).status == 200


async def test_a_name_cannot_be_changed(shell: Shell, runs: Agent) -> None:
    answer = await shell.put("/database/db", await record(shell) | {"name": "db2"})
    assert (answer.status, answer.message) == (422, "a name cannot be changed: the body says db2, the path db")


async def test_a_host_that_is_added_gets_its_member(shell: Shell, runs: Agent, other: Agent) -> None:
    both = body("db", runs.host, other.host)["host"]
    await shell.put("/database/db", await record(shell) | {"host": both})
    await other.obeys("install", "start")
    assert [member["realtime"] for member in (await record(shell))["members"]] == ["running", "running"]
    assert other.orders[0][1].hosts == ["127.0.0.1", "127.0.0.1"]
    assert other.orders[0][1].host_index == 1


async def test_a_host_is_not_taken_off_before_somebody_says_what_becomes_of_what_is_there(
    shell: Shell, runs: Agent, other: Agent
) -> None:
    document = await record(shell)
    answer = await shell.put("/database/db", document | {"host": body("db", other.host)["host"]})
    assert answer.status == 409
    assert answer.message == f"{runs.host} would be taken off the list; say what becomes of db there"
    assert await record(shell) == document


async def test_what_is_taken_off_is_uninstalled_and_then_forgotten(shell: Shell, runs: Agent, other: Agent) -> None:
    document = await record(shell) | {"host": body("db", other.host)["host"]}
    assert (await shell.put("/database/db?removed=uninstall", document)).status == 200
    leaving = (await record(shell))["members"][1]
    assert (leaving["host"], leaving["leaving"]) == (runs.host, True)
    await other.obeys("install", "start")
    await runs.obeys("stop", "uninstall")

    async def alone() -> bool:
        return len((await record(shell))["members"]) == 1

    await until(alone, "the member to be taken off", 5)
    answer = await runs.report()
    assert answer.body["forget"] == [{"type": "database", "name": "db"}]


async def test_what_is_orphaned_is_forgotten_at_once_and_runs_on(shell: Shell, runs: Agent, other: Agent) -> None:
    document = await record(shell) | {"host": body("db", other.host)["host"]}
    assert (await shell.put("/database/db?removed=orphan", document)).status == 200
    assert [member["host"] for member in (await record(shell))["members"]] == [other.host]
    await other.obeys("install", "start")
    assert len(runs.orders) == 2


async def test_a_host_comes_back_to_the_list_before_it_has_left(shell: Shell, runs: Agent, other: Agent) -> None:
    document = await record(shell)
    await shell.put("/database/db?removed=uninstall", document | {"host": body("db", other.host)["host"]})
    both = body("db", runs.host, other.host)["host"]
    assert (await shell.put("/database/db", document | {"host": both})).status == 200
    assert [member["leaving"] for member in (await record(shell))["members"]] == [False, False]


async def test_members_that_came_and_went_are_the_same_after_a_restart(shell: Shell, runs: Agent, other: Agent) -> None:
    both = body("db", other.host, runs.host)["host"]
    await shell.put("/database/db", await record(shell) | {"host": both})
    await other.obeys("install", "start")
    await shell.restart()
    assert [member["host"] for member in (await record(shell))["members"]] == [other.host, runs.host]


async def test_other_credentials_of_a_known_host_are_refused_and_nothing_changes(shell: Shell, runs: Agent) -> None:
    named = {"ip": "127.0.0.9", "auth": [{"username": "root", "password": "one"}]}
    await shell.post("/database/create", body("first") | {"host": [named]})
    document = await record(shell)
    named["auth"] = [{"username": "root", "password": "two"}]
    answer = await shell.put("/database/db", document | {"host": [*document["host"], named]})
    assert answer.status == 409
    assert await record(shell) == document
