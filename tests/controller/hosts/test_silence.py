"""Silence is not death: who is lost, when, and what becomes of it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from unittest.mock import Mock

import pytest

from paas_agent.contract import Change, InstanceName, Report
from paas_controller.base.clock import rfc3339
from paas_controller.base.errors import Retryable
from paas_controller.base.principal import Principal
from paas_controller.hosts.host import Host
from paas_controller.hosts.reports import Reports, Write
from tests.controller.agents import Agent
from tests.controller.hosts.said import change, changes_of, left
from tests.controller.shell import Clock, Shell, until


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
    assert await changes_of(shell) == [("running", "unknow"), ("unknow", "running")]


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
    assert await changes_of(shell) == [("running", "failed")]


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


async def test_a_restarted_controller_waits_longer_for_those_who_all_come_back_at_once(
    shell: Shell, runs: Agent, looked: Callable[[], Awaitable[None]]
) -> None:
    await shell.restart()
    shell.clock.now += 1.19
    await looked()
    assert await shell.status() == ("running", "running")
    shell.clock.now += 0.02
    await shell.becomes("unknow")


async def test_a_host_that_nobody_joined_is_absent_and_never_lost(
    shell: Shell, looked: Callable[[], Awaitable[None]]
) -> None:
    await shell.create("192.168.19.100:3335")
    shell.clock.now += 3600
    await looked()
    assert (await shell.get("/hosts")).body["items"][0]["state"] == "absent"
    assert await shell.status() == ("not-installed", "not-installed")


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
