"""Reports: taken once, merged once, on the controller's clock; and silence."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from paas_agent.contract import Disk, InstanceReport, Outcome, Progress
from tests.controller.agents import Agent
from tests.controller.hosts.said import change, changes_of, left
from tests.controller.shell import MORNING, Shell


async def test_a_report_is_acknowledged_by_its_sequence_with_the_interval(joined: Agent) -> None:
    report = joined.says()
    answer = await joined.send(report)
    assert answer.status == 202
    asked = {"forget": [], "renew": False, "tunnel": False, "upgrade": None}
    assert answer.body == {"acknowledged": report.sequence, "interval": 0.1, **asked}


async def test_a_report_that_comes_again_is_acknowledged_again_and_taken_once(shell: Shell, runs: Agent) -> None:
    report = left(runs, change(1))
    first, second = await runs.send(report), await runs.send(report)
    assert first.body["acknowledged"] == second.body["acknowledged"] == report.sequence
    assert await changes_of(shell) == [("running", "failed")]


async def test_an_old_report_that_comes_late_changes_nothing(shell: Shell, runs: Agent) -> None:
    late = runs.says()
    await runs.sees("failed")
    assert (await runs.send(late)).body["acknowledged"] == late.sequence + 1
    assert await shell.status() == ("running", "failed")


async def test_changes_are_merged_once_although_an_acknowledgement_was_lost(shell: Shell, runs: Agent) -> None:
    told = [change(1), change(2, "failed", "running")]
    await runs.send(left(runs, *told))
    await runs.send(left(runs, *told, change(3)))
    assert await changes_of(shell) == [("running", "failed"), ("failed", "running"), ("running", "failed")]


async def test_changes_are_merged_once_across_a_restart_of_the_controller(shell: Shell, runs: Agent) -> None:
    await runs.send(left(runs, change(1)))
    await shell.restart()
    await runs.send(left(runs, change(1)))
    assert await changes_of(shell) == [("running", "failed")]


async def test_a_new_journal_counts_its_changes_and_reports_anew(shell: Shell, runs: Agent) -> None:
    await runs.send(left(runs, change(1), change(2, "failed", "running")))
    runs.epoch, runs.sequence = "second", 0
    await runs.send(left(runs, change(1)))
    assert len(await changes_of(shell)) == 3


async def test_changes_of_an_agent_whose_clock_is_wrong_lie_where_the_controllers_clock_says(
    shell: Shell, runs: Agent
) -> None:
    hours = 3600.0
    seen = change(1, at=MORNING - 20 * hours - 60)
    await runs.send(left(runs, seen, sent_at=MORNING - 20 * hours))
    listed = (await shell.get("/database/status/changed/0628?detail=true")).body
    assert [one["at"] for one in listed] == ["2026-06-28T09:59:00.000Z"]


async def test_a_small_difference_of_clocks_shifts_nothing(shell: Shell, runs: Agent) -> None:
    await runs.send(left(runs, change(1, at=MORNING - 60), sent_at=MORNING - 1.5))
    listed = (await shell.get("/database/status/changed/0628?detail=true")).body
    assert [one["at"] for one in listed] == ["2026-06-28T09:59:00.000Z"]


@pytest.mark.parametrize("at", [1e18, -1e18, MORNING + 86400])
async def test_no_change_lies_in_the_future_or_before_all_time(shell: Shell, runs: Agent, at: float) -> None:
    await runs.send(left(runs, change(1, at=at)))
    assert (await shell.status())[1] == "failed"
    day = "1970-01-01" if at < 0 else "0628"
    assert (await shell.get(f"/database/status/changed/{day}")).body == ["db"]


@pytest.mark.parametrize(("sent_at", "at", "shown"), [
    (MORNING, 1e18, "2026-06-28T10:00:00.000Z"),
    (MORNING - 7200, MORNING - 7260, "2026-06-28T09:59:00.000Z"),
    (-1e308, 1e308, "2026-06-28T10:00:00.000Z"),
])  # fmt: skip
async def test_an_outcome_lies_where_the_controllers_clock_says(
    shell: Shell, runs: Agent, sent_at: float, at: float, shown: str
) -> None:
    await shell.put("/database/db/stopped")
    action, order = await runs.ordered()
    known = {"operation_id": order.operation_id, "type": "database", "name": "db", "action": action}
    ended = Outcome(**known, state="succeeded", status="stopped", installed=True, started_at=at, ended_at=at)
    await runs.report(ended, sent_at=sent_at)
    told = (await shell.get(f"/operations/{order.operation_id}")).body
    assert (told["state"], told["started_at"], told["ended_at"]) == ("succeeded", shown, shown)


@pytest.mark.parametrize("at", [0, -1e18])
async def test_an_outcome_that_does_not_say_when_it_came_ended_now(shell: Shell, runs: Agent, at: float) -> None:
    await shell.put("/database/db/stopped")
    _, order = await runs.ordered()
    await runs.ends("stop", order, ended_at=at, started_at=at)
    told = (await shell.get(f"/operations/{order.operation_id}")).body
    assert (told["started_at"], told["ended_at"]) == (None, "2026-06-28T10:00:00.000Z")


async def test_an_operation_under_way_began_where_the_controllers_clock_says(shell: Shell, runs: Agent) -> None:
    await shell.put("/database/db/stopped")
    action, order = await runs.ordered()
    under_way = Progress(
        operation_id=order.operation_id, action=action, state="running", phase="stopping", started_at=1e18
    )
    runs.there["database", "db"] = InstanceReport(**_KNOWN, status="running", installed=True, operation=under_way)
    await runs.report()
    told = (await shell.get(f"/operations/{order.operation_id}")).body
    assert told["started_at"] == "2026-06-28T10:00:00.000Z"


_KNOWN = {"type": "database", "name": "db"}


_ENDED = {"operation_id": "op", "action": "stop", "state": "failed", "status": "failed", "installed": True} | _KNOWN


_LEFT = {"from": "running", "to": "failed", "at": MORNING, "cause": "check"} | _KNOWN


_SEEN = {"status": "running", "installed": True} | _KNOWN


_GETS_ON = {"operation_id": "op", "action": "stop", "state": "running", "phase": "fetching"}


@pytest.mark.parametrize(("field", "say"), [
    ("$.sequence", lambda number: {"sequence": number}),
    ("$.facts[...]", lambda number: {"facts": {"cpus": number}}),
    ("$.outcomes[0].exit_code", lambda number: {"outcomes": [_ENDED | {"exit_code": number}]}),
    ("$.outcomes[0].check.streak", lambda number: {"outcomes": [_ENDED | {"check": {"code": "0", "streak": number}}]}),
    ("$.changes[0].number", lambda number: {"changes": [_LEFT | {"number": number}]}),
    ("$.instances[0].generation", lambda number: {"instances": [_SEEN | {"generation": number}]}),
    ("$.instances[0].operation.bytes_done",
     lambda number: {"instances": [_SEEN | {"operation": _GETS_ON | {"bytes_done": number}}]}),
])  # fmt: skip
async def test_a_number_that_nothing_can_have_counted_is_a_400_that_names_its_field(
    joined: Agent, field: str, say: Callable[[int], dict[str, Any]]
) -> None:
    assert joined.joined
    for number in (2**53 + 1, 2**63, 2**64, 2**70, -(2**70)):
        document = json.dumps(msgspec.to_builtins(joined.says()) | say(number)).encode()
        answer = await joined.shell.post("/agents/report", document, token=joined.joined.agent_token)
        assert (answer.status, answer.message.rpartition(" at ")[2]) == (400, f"`{field}`")


async def test_a_report_for_another_host_is_forbidden(shell: Shell, joined: Agent) -> None:
    other = Agent(shell)
    await other.start()
    await other.join()
    refused = await joined.send(other.says())
    assert refused.status == 403
    assert joined.host in refused.message
    await other.stop()


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"{}", b'{"host": 1}', b"\xff", b"[" * 100_000])
async def test_what_is_no_report_is_a_400(shell: Shell, joined: Agent, data: bytes) -> None:
    assert joined.joined
    answer = await shell.post("/agents/report", data, token=joined.joined.agent_token)
    assert answer.status == 400
    assert answer.message.startswith("this is no report")


async def test_unknown_keys_of_a_newer_agent_are_ignored(shell: Shell, joined: Agent) -> None:
    assert joined.joined
    document = msgspec.json.decode(msgspec.json.encode(joined.says())) | {"mood": "fine"}
    assert (await shell.post("/agents/report", document, token=joined.joined.agent_token)).status == 202


async def test_facts_version_and_features_of_the_last_report_are_kept(shell: Shell, joined: Agent) -> None:
    joined.features = ["2026-11-operations"]
    await joined.report(facts={"cpus": 2}, disks=[Disk(mount="/", total=9, free=3)], version="1.1")
    await joined.report()
    await shell.restart()
    host = (await shell.get(f"/hosts/{joined.host}")).body
    assert (host["version"], host["features"]) == ("1.1", ["2026-11-operations"])
    assert host["facts"] == {"cpus": 2, "disks": [{"mount": "/", "total": 9, "free": 3}]}


@pytest.mark.parametrize(
    ("written", "status"), [("1.0", 202), ("1e0", 202), ("1.5", 400), ("1e999", 400), ('"1"', 400)]
)
async def test_a_whole_number_is_one_however_json_writes_it(
    shell: Shell, runs: Agent, written: str, status: int
) -> None:
    assert runs.joined
    report = msgspec.to_builtins(left(runs, change(1)))
    report["changes"][0]["number"] = msgspec.Raw(written.encode())
    data = msgspec.json.encode(report)
    assert (await shell.post("/agents/report", data, token=runs.joined.agent_token)).status == status
    assert len(await changes_of(shell)) == (status == 202)
