"""What an agent does not list although it should be there: it is asked for a check, which makes it know."""

import pytest
from aiohttp import web

from tests.controller.agents import Agent
from tests.controller.shell import Shell, until


def _questions(agent: Agent) -> list[str]:
    return [order.name for action, order in agent.received if action == "check"]


async def test_an_adopted_instance_is_made_known_to_its_agent(shell: Shell, joined: Agent) -> None:
    await shell.create(joined.host, status={"realtime": "running"})
    await joined.report()
    await until(lambda: _questions(joined), "the question")
    order = joined.received[0][1]
    assert (order.believed, order.epoch, order.operation_id) == ("running", "first", "")
    await joined.sees("running")
    assert await shell.status() == ("running", "running")
    assert not joined.orders


async def test_what_is_not_installed_is_not_asked_for(shell: Shell, joined: Agent) -> None:
    await shell.create(joined.host)
    await shell.create(joined.host, name="other", status={"realtime": "stopped"})
    await joined.report()
    await until(lambda: _questions(joined), "the question")
    assert _questions(joined) == ["other"]


async def test_a_question_that_failed_is_asked_with_the_next_report(
    shell: Shell, joined: Agent, caplog: pytest.LogCaptureFixture
) -> None:
    await shell.create(joined.host, status={"realtime": "running"})
    joined.refuses = lambda _: web.Response(status=503)
    with caplog.at_level("INFO"):
        await joined.report()
        await until(lambda: "does not know database db yet" in caplog.text, "the refusal")
    joined.refuses = None
    await joined.report()
    await until(lambda: len(_questions(joined)) == 2, "the next question")
    assert await shell.status() == ("running", "running")


async def test_a_part_of_the_state_makes_nobody_a_stranger(shell: Shell, joined: Agent) -> None:
    await shell.create(joined.host, status={"realtime": "running"})
    await joined.report(full=False)
    await joined.report(full=False)
    assert not joined.received


async def test_what_was_uninstalled_since_the_backup_that_was_put_back_is_installed_anew(
    shell: Shell, joined: Agent
) -> None:
    await shell.create(joined.host, status={"expect": "running"})
    await joined.obeys("install", "start")
    joined.there.clear()
    await joined.report()
    await until(lambda: _questions(joined), "the question")
    assert joined.received[-1][1].believed == "not-installed"
    assert await shell.status() == ("running", "running")
    await joined.sees("not-installed")
    await joined.obeys("install", "start")
    assert await shell.status() == ("running", "running")


async def test_what_runs_although_its_agent_has_forgotten_it_is_left_running(shell: Shell, joined: Agent) -> None:
    await shell.create(joined.host, status={"expect": "running"})
    await joined.obeys("install", "start")
    joined.there.clear()
    await joined.report()
    await until(lambda: _questions(joined), "the question")
    await joined.sees("running")
    assert (await shell.member())["installed"] is True
    assert len(joined.orders) == 2


async def test_an_agent_with_a_new_journal_is_asked_and_what_it_finds_counts(shell: Shell, joined: Agent) -> None:
    await shell.create(joined.host, status={"realtime": "running"})
    await joined.sees("running")
    joined.epoch, joined.sequence = "second", 0
    joined.there.clear()
    await joined.report()
    assert (await shell.member())["installed"] is False
    await until(lambda: _questions(joined), "the question")
    assert joined.received[0][1].believed == "not-installed"
    await joined.sees("running")
    assert (await shell.member())["installed"] is True
    assert not joined.orders
