"""The loop that closes the difference: one pass at a time, hints that may be lost, failures that are tried again."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from paas_agent.contract import Joined
from paas_controller.base.errors import Retryable
from paas_controller.software import reconciler
from paas_controller.software.board import Board, Draft
from paas_controller.software.gates import nowhere
from paas_controller.software.orders import Specs
from paas_controller.software.reconciler import Reconciler
from tests.controller.agents import Agent
from tests.controller.shell import Shell, until


@pytest.fixture
async def stopped(shell: Shell, joined: Agent) -> Agent:
    """An agent with a stopped database."""
    await shell.create(joined.host, status={"realtime": "stopped"})
    await joined.sees("stopped")
    return joined


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How many passes began, and the most at a time."""
    counted = {"now": 0, "most": 0, "all": 0}
    real = Reconciler._pass

    async def one(self: Reconciler, identifier: int) -> None:
        counted["now"] += 1
        counted["all"] += 1
        counted["most"] = max(counted["most"], counted["now"])
        try:
            await asyncio.sleep(0.005)  # long enough for others to come between
            await real(self, identifier)
        finally:
            counted["now"] -= 1

    monkeypatch.setattr(Reconciler, "_pass", one)
    return counted


async def test_one_pass_at_a_time_and_what_came_meanwhile_is_one_more(passes: dict[str, int]) -> None:
    class Empty:
        watchers: ClassVar[list[Any]] = []

        def find(self, _: int) -> None:
            return None

        def drop(self, _: int) -> None:
            return None

    loop = Reconciler(Empty(), Empty(), Empty(), Empty(), Empty(), nowhere)  # type: ignore[arg-type]
    for _ in range(10):
        loop.wake(1)
    await until(lambda: passes["all"] == 2 and not passes["now"], "the passes to end")
    await loop.stop()
    assert passes["most"] == 1


async def test_the_latest_wish_wins(shell: Shell, stopped: Agent, passes: dict[str, int]) -> None:
    for wish in ("running", "stopped", "running", "not-installed"):
        await shell.put(f"/database/db/{wish}")
    while await shell.status() != ("not-installed", "not-installed"):
        await stopped.ends(*await stopped.ordered())
    assert stopped.orders[-1][0] == "uninstall"
    assert len(stopped.orders) <= 3


async def test_no_member_ever_has_two_operations(shell: Shell, stopped: Agent) -> None:
    for wish in ("running", "stopped", "not-installed", "running", "restart", "hold", "release"):
        await shell.put(f"/database/db/{wish}")
    await stopped.ordered()
    assert len(stopped.orders) == 1
    ended = [one["ended_at"] for one in (await shell.get("/database/db/operations")).body["items"]]
    assert ended == [None]


async def test_what_an_outcome_gives_rise_to_is_written_with_it(
    shell: Shell, stopped: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shell.put("/database/db/not-installed")
    action, order = await stopped.ordered()
    real, commits = Board.commit, []

    async def commit(self: Board, draft: Draft) -> None:
        commits.append(draft)
        await real(self, draft)

    monkeypatch.setattr(Board, "commit", commit)
    await shell.put("/database/db/running")
    await stopped.ends(action, order)
    await stopped.ordered()
    assert [[told.moved.after for told in draft.story] for draft in commits] == [
        ["uninstalling"],
        ["not-installed", "installing"],
    ]


async def test_a_pass_that_fails_is_tried_again(shell: Shell, stopped: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciler, "_TRY_AGAIN", 0.02)
    real, failures = Board.commit, [Retryable("disk full"), RuntimeError("nobody knows"), Retryable("disk full")]

    async def commit(self: Board, draft: Any) -> None:
        if draft.story and draft.story[0].moved.why == "action" and failures:
            raise failures.pop()
        await real(self, draft)

    monkeypatch.setattr(Board, "commit", commit)
    monkeypatch.setattr(Specs, "known", lambda *_: None)  # so that the wish alone is written with its own commit
    await shell.put("/database/db/running")
    await stopped.obeys("start")
    assert not failures
    assert len(stopped.orders) == 1


@pytest.fixture
async def attentive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shell]:
    """A controller that looks at everything all the time, and whose hints are all lost."""
    monkeypatch.setattr(reconciler, "RESYNC_EVERY", 0.05)
    monkeypatch.setattr(Board, "notify", lambda self, identifier: None)
    shell = Shell(tmp_path / "data")
    await shell.start()
    yield shell
    await shell.stop()


async def test_a_resync_finds_what_a_lost_hint_missed(attentive: Shell) -> None:
    agent = Agent(attentive)
    await agent.start()
    await agent.join()
    await attentive.create(agent.host, status={"expect": "running"})
    await agent.obeys("install", "start")
    assert await attentive.status() == ("running", "running")
    await agent.stop()


async def test_a_back_off_is_waited_for_and_then_tried_again(shell: Shell, stopped: Agent) -> None:
    await shell.put("/database/db/running")
    action, order = await stopped.ordered()
    await stopped.ends(action, order, "failed", message="no licence")
    member = await shell.member()
    assert member["failures"] == 1
    assert "2026-06-28T10:00:00.799Z" < member["retry_at"] < "2026-06-28T10:00:01.201Z"
    assert member["waiting"] == "no licence"
    assert len(stopped.orders) == 1
    for _ in range(6):
        shell.clock.now += 0.2
        await stopped.report()  # says nothing new: only the end of the back-off can wake anybody
    assert (await stopped.ordered())[0] == "restart"


async def test_a_back_off_does_not_wait_for_a_clock_that_was_set_back(shell: Shell, stopped: Agent) -> None:
    await shell.put("/database/db/running")
    action, order = await stopped.ordered()
    shell.clock.is_set(3600)
    await stopped.ends(action, order, "failed", message="no licence")
    assert (await shell.member())["waiting"] == "no licence"
    shell.clock.is_set(-3600)
    assert (await stopped.ordered())[0] == "restart"  # when the second is over


async def test_members_come_up_in_order_and_go_down_in_reverse(shell: Shell, joined: Agent) -> None:
    second = Agent(shell)
    await second.start()
    await second.join()
    await shell.create(joined.host, second.host, status={"expect": "running"})
    await joined.obeys("install")
    assert not second.orders
    await joined.obeys("start")
    await second.obeys("install", "start")
    assert await shell.status() == ("running", "running")
    await shell.put("/database/db/stopped")
    await second.ordered()
    assert len(joined.orders) == 2
    await second.ends("stop", second.orders[-1][1])
    await joined.obeys("stop")
    assert [order.host_index for _, order in second.orders] == [1, 1, 1]
    assert joined.orders[0][1].hosts == ["127.0.0.1", "127.0.0.1"]
    await second.stop()


async def test_what_is_due_on_many_hosts_begins_in_pieces_and_all_of_it(
    shell: Shell, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []
    real = Board.commit

    async def counted(self: Board, draft: Draft) -> None:
        await real(self, draft)
        begun.extend(filter(None, [len(draft.afterwards)]))

    monkeypatch.setattr(Board, "commit", counted)
    monkeypatch.setattr(reconciler, "_AT_ONCE", 2)
    hosts = [f"127.0.0.{number}" for number in range(2, 7)]
    for address in hosts:
        joined = msgspec.convert((await agent.ask_to_join(address=address)).body, Joined)
        await shell.post("/agents/report", agent.says(host=joined.host), token=joined.agent_token)
    failed = {"expect": "running", "realtime": "failed"}
    await shell.create(*(f"{address}:{agent.port}" for address in hosts), status=failed)
    await until(lambda: sum(begun) == len(hosts), "every member to be healed")
    assert begun == [2, 2, 1]
