"""Reports: taken once, merged once, on the controller's clock; and silence."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from unittest.mock import Mock

import msgspec
import pytest

from paas_agent.contract import Change, InstanceName, InstanceReport, Outcome, Progress, Report
from paas_controller.base.clock import rfc3339
from paas_controller.base.errors import Retryable
from paas_controller.base.principal import Principal
from paas_controller.hosts.reports import Reports, Write
from paas_controller.hosts.service import Host, Hosts
from tests.controller.agents import Agent
from tests.controller.shell import MORNING, Clock, Shell, until


def change(number: int, before: str = "running", after: str = "failed", **more: Any) -> Change:
    known = {"type": "database", "name": "db", "at": MORNING, "cause": "check", "reason": "check 1"}
    return Change(**known | {"number": number, "before": before, "after": after} | more)


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Awaitable[None]]:
    """Waits until the controller has looked for silent hosts once more, from beginning to end."""
    looks = []
    real = Hosts.all

    def look(hosts: Hosts) -> list[Host]:
        looks.append(hosts)
        return real(hosts)

    monkeypatch.setattr(Hosts, "all", look)

    async def wait() -> None:
        before = len(looks)
        await until(lambda: len(looks) >= before + 2, "a look for silence")

    return wait


async def _changes(shell: Shell) -> list[tuple[str, str]]:
    listed = (await shell.get("/database/status/changed/0628?detail=true")).body
    return [(change["from"], change["to"]) for change in listed]


def left(agent: Agent, *changes: Change, **more: Any) -> Report:
    """A report of these changes, with what they left behind."""
    there = agent.there["database", "db"]
    agent.there["database", "db"] = msgspec.structs.replace(there, status=changes[-1].after)
    return agent.says(changes=changes, **more)


@pytest.fixture
async def runs(shell: Shell, joined: Agent) -> Agent:
    """An agent whose host runs one database."""
    await shell.create(joined.host, status={"realtime": "running"}, self_heal="never")
    await joined.sees("running")
    return joined


async def test_a_report_is_acknowledged_by_its_sequence_with_the_interval(joined: Agent) -> None:
    report = joined.says()
    answer = await joined.send(report)
    assert answer.status == 202
    assert answer.body == {"acknowledged": report.sequence, "interval": 0.1, "forget": [], "renew": False}


async def test_a_report_that_comes_again_is_acknowledged_again_and_taken_once(shell: Shell, runs: Agent) -> None:
    report = left(runs, change(1))
    first, second = await runs.send(report), await runs.send(report)
    assert first.body["acknowledged"] == second.body["acknowledged"] == report.sequence
    assert await _changes(shell) == [("running", "failed")]


async def test_an_old_report_that_comes_late_changes_nothing(shell: Shell, runs: Agent) -> None:
    late = runs.says()
    await runs.sees("failed")
    assert (await runs.send(late)).body["acknowledged"] == late.sequence + 1
    assert await shell.status() == ("running", "failed")


async def test_changes_are_merged_once_although_an_acknowledgement_was_lost(shell: Shell, runs: Agent) -> None:
    told = [change(1), change(2, "failed", "running")]
    await runs.send(left(runs, *told))
    await runs.send(left(runs, *told, change(3)))
    assert await _changes(shell) == [("running", "failed"), ("failed", "running"), ("running", "failed")]


async def test_changes_are_merged_once_across_a_restart_of_the_controller(shell: Shell, runs: Agent) -> None:
    await runs.send(left(runs, change(1)))
    await shell.restart()
    await runs.send(left(runs, change(1)))
    assert await _changes(shell) == [("running", "failed")]


async def test_a_new_journal_counts_its_changes_and_reports_anew(shell: Shell, runs: Agent) -> None:
    await runs.send(left(runs, change(1), change(2, "failed", "running")))
    runs.epoch, runs.sequence = "second", 0
    await runs.send(left(runs, change(1)))
    assert len(await _changes(shell)) == 3


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


async def test_a_host_unheard_of_for_three_intervals_is_lost_and_nothing_is_ordered(
    shell: Shell, runs: Agent, looked: Callable[[], Awaitable[None]]
) -> None:
    shell.clock.now += 0.29
    await looked()
    assert await shell.status() == ("running", "running")
    shell.clock.now += 0.02
    await shell.becomes("unknow")
    assert (await shell.get(f"/hosts/{runs.host}")).body["state"] == "lost"
    assert "not been heard of" in (await shell.member())["reason"]
    assert not runs.orders


@pytest.mark.parametrize("hours", [1, -1])
async def test_silence_is_time_that_passed_whatever_the_clock_is_set_to(
    shell: Shell, runs: Agent, looked: Callable[[], Awaitable[None]], hours: int
) -> None:
    shell.clock.is_set(hours * 3600)
    await looked()
    assert await shell.status() == ("running", "running")
    shell.clock.now += 0.31
    await shell.becomes("unknow")
    await runs.report()
    shell.clock.is_set(hours * 3600)
    await looked()
    assert await shell.status() == ("running", "running")


async def test_what_a_lost_host_says_when_it_is_heard_again_is_what_counts(shell: Shell, runs: Agent) -> None:
    shell.clock.now += 60
    await shell.becomes("unknow")
    await runs.sees("running")
    assert await shell.status() == ("running", "running")
    assert (await shell.get(f"/hosts/{runs.host}")).body["state"] == "online"
    assert await _changes(shell) == [("running", "unknow"), ("unknow", "running")]


async def test_a_host_whose_news_cannot_be_stored_is_heard_all_the_same(
    shell: Shell, runs: Agent, looked: Callable[[], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as away:
        away.setattr("paas_controller.software.records.save", Mock(side_effect=Retryable("the database is away")))
        for _ in range(3):
            shell.clock.now += 0.2
            assert (await runs.send(left(runs, change(1)))).status == 503
            await looked()
            shown = (await shell.get(f"/hosts/{runs.host}")).body
            assert (shown["state"], shown["last_heard"]) == ("online", rfc3339(shell.clock.now))
    await runs.send(left(runs, change(1)))
    assert await _changes(shell) == [("running", "failed")]


async def test_a_restarted_controller_loses_nobody_that_was_silent_with_it(
    shell: Shell, runs: Agent, looked: Callable[[], Awaitable[None]]
) -> None:
    await shell.stop()
    shell.clock.now += 3600
    await shell.start()
    await looked()
    assert await shell.status() == ("running", "running")
    await runs.sees("running")
    shell.clock.now += 60
    await shell.becomes("unknow")


async def test_a_host_that_nobody_joined_is_absent_and_never_lost(
    shell: Shell, looked: Callable[[], Awaitable[None]]
) -> None:
    await shell.create("192.168.19.100:3335")
    shell.clock.now += 3600
    await looked()
    assert (await shell.get("/hosts")).body["items"][0]["state"] == "absent"
    assert await shell.status() == ("not-installed", "not-installed")


async def test_facts_version_and_features_of_the_last_report_are_kept(shell: Shell, joined: Agent) -> None:
    joined.features = ["2026-11-operations"]
    await joined.report(facts={"cpus": 2}, version="1.1")
    await shell.restart()
    host = (await shell.get(f"/hosts/{joined.host}")).body
    assert (host["version"], host["features"], host["facts"]) == ("1.1", ["2026-11-operations"], {"cpus": 2})


class _SlowSink:
    """A sink whose `silent` waits for the test."""

    def __init__(self) -> None:
        self.asked, self.goes_on = asyncio.Event(), asyncio.Event()

    async def reported(
        self, host: Host, report: Report, changes: Sequence[Change], keep: Write | None
    ) -> list[InstanceName]:
        return []

    async def silent(self, host: Host) -> None:
        self.asked.set()
        await self.goes_on.wait()


async def test_a_host_that_is_heard_while_it_is_being_lost_is_not_lost() -> None:
    clock, sink = Clock(), _SlowSink()
    host = Host("h:1", "h", "1", controller_token="joined", epoch="e", silent_since=clock.now - 100)

    looks = []

    class Registry:
        patience = 0.03

        def all(self) -> list[Host]:
            looks.append(host)
            return [host]

        def get(self, _: str) -> Host:
            return host

        def silence(self, host: Host) -> float:
            return clock.monotonic() - host.silent_since

    reports = Reports(Registry(), sink, clock, 0.01)  # type: ignore[arg-type]
    watching = asyncio.create_task(reports.watch())
    await until(sink.asked.is_set, "silence to be seen")
    report = Report(host="h:1", epoch="e", sequence=1, full=True, sent_at=clock.now)
    heard = asyncio.create_task(reports.take(Principal("agent", "agent", "h:1"), report))
    await asyncio.sleep(0)
    sink.goes_on.set()
    await heard
    await until(lambda: len(looks) > 1, "the next look")
    assert host.heard_at == clock.now
    assert host.state == "online"
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
