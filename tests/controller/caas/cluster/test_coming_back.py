"""A cluster that was away: whoever is answered first tells the others, who would have waited longer."""

import asyncio
from collections.abc import AsyncGenerator
from random import Random
from typing import Any, cast

import pytest

from paas_controller.base.clock import SystemClock
from paas_controller.base.errors import Retryable
from paas_controller.caas.cluster import watching
from paas_controller.caas.cluster.client import Cluster
from paas_controller.caas.cluster.mirror import Mirror
from tests.controller.shell import until

_ALL = len(watching.KINDS)


class Away:
    """A cluster that holds nothing, and answers while it is up; a watch is asked for again as soon as it is cut."""

    name = "east"

    def __init__(self) -> None:
        self.up, self.flaps, self.asked = False, False, 0
        self._cut = asyncio.Event()

    async def get(self, path: str, query: Any = None) -> dict[str, Any]:
        self.asked += 1
        self._require()
        return {"metadata": {"resourceVersion": "7"}, "items": []}

    async def lines(self, path: str, query: Any = None, *, silence: float | None) -> AsyncGenerator[list[bytes], None]:
        self.asked += 1
        self._require()
        yield []
        if self.flaps:
            raise Retryable("the cluster east breaks off")
        yield [b'{"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "8"}}}']
        await self._cut.wait()
        self._require()

    def goes(self) -> None:
        self.up = False
        self._cut.set()

    def comes(self) -> None:
        self.up, self._cut = True, asyncio.Event()

    def _require(self) -> None:
        if not self.up:
            raise Retryable("the cluster east cannot be reached")


class OneIsQuick(Random):
    """The first of those who wait for a cluster looks again soon, the others not for long."""

    waits, quick = 0, True

    def uniform(self, a: float, b: float) -> float:
        self.waits += 1
        slow = 1 < self.waits <= _ALL or not self.quick
        return b if slow and a else 1e-5


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "_SHORTEST", 1000.0)
    monkeypatch.setattr(watching, "_LONGEST", 1000.0)


async def test_the_first_who_is_answered_again_tells_the_others(slow: None) -> None:
    cluster, mirror, dice = Away(), Mirror("east", SystemClock(), lambda *_: None), OneIsQuick()
    task = asyncio.create_task(watching.watch(cast(Cluster, cluster), mirror, dice))
    await until(lambda: dice.waits > _ALL, "all to wait, and one to have looked again")
    cluster.comes()
    await until(lambda: mirror.fresh and mirror.stale_since is None, "all to be told")
    dice.waits = 0
    cluster.goes()
    await until(lambda: dice.waits > _ALL, "all to wait once more")
    cluster.comes()
    await until(lambda: mirror.stale_since is None, "all to be told once more")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_cluster_that_answers_and_breaks_off_is_not_asked_ever_faster(slow: None) -> None:
    cluster, mirror, dice = Away(), Mirror("east", SystemClock(), lambda *_: None), OneIsQuick()
    task = asyncio.create_task(watching.watch(cast(Cluster, cluster), mirror, dice))
    await until(lambda: dice.waits > _ALL, "all to wait")
    cluster.flaps, dice.quick, dice.waits = True, False, 0
    cluster.comes()
    await until(lambda: mirror.fresh and dice.waits >= 2 * _ALL, "all to have been told")
    for _ in range(1000):
        await asyncio.sleep(0)
    assert cluster.asked <= 5 * _ALL
    assert mirror.stale_since is not None
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
