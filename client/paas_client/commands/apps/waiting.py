"""`--wait` for instances of apps: until all components are as wished, or something does not mend itself."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from paas_client.app_models import AppInstance, Component, Pod
from paas_client.client import Client
from paas_client.commands.apps.naming import Target
from paas_client.commands.asking import Asker, TimeIsUp, WaitFailed
from paas_client.commands.patience import patiently
from paas_client.errors import NotFound
from paas_client.models import Event, Told
from paas_client.progress import Progress

_LOOK_EVERY = 0.4
_PATIENCE = 5.0
"""Seconds after which a cause that does not mend itself is believed to stay."""
_STAYS = frozenset({"too big", "forbidden", "image", "crash", "container", "gone"})
"""Causes of a state, as the controller calls them, that wait for somebody to do something."""

T = TypeVar("T")


@dataclass(frozen=True)
class Goal:
    """The state that each component must reach; none of these pods may be left then."""

    state: str
    replaced: frozenset[str] = frozenset()


async def watched(
    client: Client, asked: Asker, wanted: Target, goal: Goal, begun: AppInstance, seconds: float
) -> AppInstance:
    """The instance once it is so; raises WaitFailed where it does not become so. `begun` is how it was when the wish
    was answered.
    """
    with Progress() as progress:
        watch = _Watch(client, asked, wanted, goal, progress, {one.name: one for one in begun.components})
        return await _until(watch.look, seconds, lambda: _late(asked, wanted, goal.state, seconds, watch.doing))


async def until_gone(client: Client, asked: Asker, wanted: Target, seconds: float) -> Told:
    """What is told once an app or an instance is gone; until then, on what that waits."""
    apps, why = client.all_apps(asked.app_kind), ""

    async def look() -> Told | None:
        nonlocal why
        try:
            if wanted.instance:
                why = (await patiently(lambda: apps.instances(wanted.app).get(wanted.instance), progress)).why
            else:
                why = (await patiently(lambda: apps.get(wanted.app), progress)).why
        except NotFound:
            return Told(name=wanted.name, msg="gone")
        progress.doing(why or "it is being deleted", sort=why)
        return None

    with Progress() as progress:
        return await _until(look, seconds, lambda: _late(asked, wanted, "gone", seconds, why))


@dataclass
class _Watch:
    """One wish, being watched; what is known of each component, and since when a cause is there that stays."""

    client: Client
    asked: Asker
    wanted: Target
    goal: Goal
    progress: Progress
    known: dict[str, Component]
    doubtful: dict[tuple[str, str], float] = field(default_factory=dict)
    doing: str = ""

    async def look(self) -> AppInstance | None:
        """The instance where it has become what was wished. WaitFailed."""
        instances = self.client.all_apps(self.asked.app_kind).instances(self.wanted.app)
        found = await patiently(lambda: instances.get(self.wanted.instance), self.progress)
        if found.phase == "going":
            raise WaitFailed(f"{self.wanted.name} is being deleted: somebody else wished for that", self._see)
        components = [one for one in found.components if self.wanted.component in ("", one.name)]
        for one in components:
            self._tell(one)
            self._despair(one)
        late = [one for one in components if one.state != self.goal.state]
        self.doing = "; ".join(f"{one.name}: {one.reason}" for one in late[:3]) or found.why
        if components and not late:
            if not self.goal.replaced & {pod.name for pod in await self._pods()}:
                return found
            self.doing = "the pods of before are not gone yet"
        self.progress.doing(self.doing or "nothing is known of it yet", sort=self.doing)
        return None

    async def _pods(self) -> list[Pod]:
        if not self.goal.replaced:
            return []
        instances = self.client.all_apps(self.asked.app_kind).instances(self.wanted.app)
        return await patiently(lambda: instances.pods(self.wanted.instance), self.progress)

    def _tell(self, one: Component) -> None:
        """A line for each new state or cause."""
        before = self.known.get(one.name, one)
        if (before.state, before.cause) != (one.state, one.cause):
            step = Event(id=0, at=datetime.now(UTC), host=one.name, before=before.state, after=one.state,
                         cause=one.cause, sentence=one.reason)  # fmt: skip
            self.progress.step(step)
        self.known[one.name] = one

    def _despair(self, one: Component) -> None:
        """Raises WaitFailed where waiting longer is no use."""
        name = f"{self.wanted.app}/{self.wanted.instance}/{one.name}"
        if self.goal.state == "running" and one.state == "stopped":
            raise WaitFailed(f"{name} is stopped: somebody else wished for that", self._see)
        now, key = asyncio.get_running_loop().time(), (one.name, one.cause)
        self.doubtful = {known: at for known, at in self.doubtful.items() if known[0] != one.name or known == key}
        stays = self.goal.state != "stopped" and one.cause in _STAYS
        if stays and now - self.doubtful.setdefault(key, now) > _PATIENCE:
            raise WaitFailed(f"{name}: {one.reason}", self._hint(one, name))

    def _hint(self, one: Component, name: str) -> str:
        command = self.asked.app_command
        if one.cause == "crash":
            log = name if self.asked.app_kind == "apps" else f"{self.wanted.app}/{self.wanted.instance}"
            return f"what it has written: {command} log {log}"
        if one.cause == "too big":
            return f"give the pool more: {command} resize {self.wanted.app} --units UNITS"
        return self._see

    @property
    def _see(self) -> str:
        return _see(self.asked, self.wanted)


async def _until(look: Callable[[], Awaitable[T | None]], seconds: float, late: Callable[[], TimeIsUp]) -> T:
    try:
        async with asyncio.timeout(seconds):
            while True:
                if found := await look():
                    return found
                await asyncio.sleep(_LOOK_EVERY)
    except TimeoutError:
        raise late() from None


def _late(asked: Asker, wanted: Target, what: str, seconds: float, doing: str) -> TimeIsUp:
    message = f"{wanted.name} is not {what} after {seconds:g} s"
    return TimeIsUp(f"{message}; {doing}" if doing else message, _see(asked, wanted))


def _see(asked: Asker, wanted: Target) -> str:
    return f"see how it is: {asked.app_command} show {'/'.join(filter(None, (wanted.app, wanted.instance)))}"
