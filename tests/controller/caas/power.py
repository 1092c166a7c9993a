"""A controller that loses its power in the middle of something, and another one that starts on what it had kept."""

import asyncio
import math
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from paas_controller.base.clusters import ClusterSettings
from paas_controller.base.errors import Retryable
from paas_controller.caas.cluster.client import Cluster as Client
from paas_controller.caas.cluster.request import Query
from tests.controller.shell import Answer, Shell


class Power:
    """Of one controller. Once it is cut, nothing that the controller asks a cluster for is done or answered."""

    def __init__(self) -> None:
        self.steps = math.inf
        """Each write has two: before it is sent, and before its answer is heard."""
        self.cut, self._over = asyncio.Event(), asyncio.Event()

    async def step(self) -> None:
        self.steps -= 1
        if self.steps < 0:
            self.cut.set()
        await self.needed()

    async def needed(self) -> None:
        if self.cut.is_set():
            await self._over.wait()
            raise Retryable("the power is cut")

    def end(self) -> None:
        self.cut.set()
        self._over.set()


class Mortal(Client):
    """A client that needs power."""

    def __init__(self, settings: ClusterSettings, power: Power) -> None:
        super().__init__(settings)
        self._power = power

    async def _object(
        self, method: str, path: str, query: Query | None, body: dict[str, Any] | None = None,
        content: str = "application/json",
    ) -> dict[str, Any]:  # fmt: skip
        step = self._power.needed if method == "GET" else self._power.step
        await step()
        try:
            return await super()._object(method, path, query, body, content)
        finally:
            await step()


@dataclass
class Machine:
    """Where controllers run, one after the other."""

    folder: Path
    settings: dict[str, Any]
    runs: int = 0
    ending: list[asyncio.Task[None]] = field(default_factory=list)
    """What former controllers still wait for."""

    def client(self, settings: ClusterSettings) -> Client:
        return Mortal(settings, self._power)

    async def start(self, keeps: Path | None = None) -> None:
        self._power = Power()
        self.runs += 1
        folder = self.folder / f"run{self.runs}"
        if keeps:
            shutil.copytree(keeps, folder)
        else:
            folder.mkdir(parents=True)
        self.shell = Shell(folder, settings=self.settings)
        await self.shell.start()

    async def end(self) -> None:
        self._power.end()
        await asyncio.gather(self.shell.stop(), *self.ending)

    async def killed_in(self, step: int, act: Callable[[], Awaitable[Answer]]) -> Answer | None:
        """What was answered where all was done before that step. In any case another controller runs afterwards."""
        self._power.steps = step
        acting, cut = asyncio.create_task(act()), asyncio.create_task(self._power.cut.wait())
        await asyncio.wait([acting, cut], return_when=asyncio.FIRST_COMPLETED)
        answered = acting.result() if acting.done() else None
        former, power = self.shell, self._power
        power.cut.set()
        await self.start(former.folder)
        power.end()
        self.ending.append(asyncio.create_task(_end(former, acting, cut)))
        return answered


async def _end(former: Shell, *tasks: asyncio.Task[Any]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)
    await former.stop()
