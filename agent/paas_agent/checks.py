"""The schedule of check scripts, with jitter: never two at once for an instance, none while an operation runs."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from paas_agent.checkscript import Result, run_check
from paas_agent.contract import Order
from paas_agent.errors import Refused
from paas_agent.instances import Instances
from paas_agent.journal import Key
from paas_agent.live import Live
from paas_agent.packages import FetchFailed
from paas_agent.watch import Watch
from paas_agent.world import World

log = logging.getLogger(__name__)

_MENDED = "the check script can be had again"


@dataclass(frozen=True)
class CheckScript:
    """The check script of an order, where its package is (empty: nowhere), and what is wrong with its repository."""

    path: Path
    package: str
    trouble: str = ""


Fetch = Callable[[Order], Awaitable[CheckScript]]
_JITTER = 0.1
_LOOK_AT_CLOCK_EVERY = 1.0
_CLOCK_WAS_SET = 1.0


class _Every(BaseTrigger):  # type: ignore[misc]
    """Counts from now, and not from one time to the next: those that a clock was set past are not made up for."""

    def __init__(self, seconds: float, random: Random) -> None:
        self._seconds, self._random = seconds, random

    def get_next_fire_time(self, _previous: datetime | None, now: datetime) -> datetime:
        return now + timedelta(seconds=self._seconds * self._random.uniform(1 - _JITTER, 1 + _JITTER))


class Checks:
    """The check of every instance. `fetch` gives the script of an order, and may raise FetchFailed."""

    def __init__(self, instances: Instances, watch: Watch, fetch: Fetch, world: World) -> None:
        self._instances = instances
        self._watch = watch
        self._fetch = fetch
        self._world = world
        self.made: Counter[str] = Counter()
        self._running: dict[Key, asyncio.Task[Result]] = {}
        self._scheduler = AsyncIOScheduler(timezone=UTC)

    def start(self) -> None:
        """Begin the schedule, the first checks spread over their interval; needs the running loop."""
        self._scheduler.start()
        self._spread()

    async def keep_time(self) -> None:
        """Begin the schedule anew, for ever, whenever somebody has set the clock, which it goes by."""
        known = self._clock_ahead()
        while True:
            await asyncio.sleep(_LOOK_AT_CLOCK_EVERY)
            before, known = known, self._clock_ahead()
            if abs(known - before) > _CLOCK_WAS_SET:
                log.warning("the clock was set by %+.0f s; the checks are scheduled anew", known - before)
                self._spread()

    async def close(self) -> None:
        """End the schedule and every check that runs."""
        self._scheduler.shutdown(wait=False)
        for key in list(self._running):
            await self._stop(key)

    def schedule(self, live: Live, *, first: float | None = None) -> None:
        """(Re)start the checks of an instance at rest: in `first` seconds, else after an interval."""
        if live.forgotten or not live.record.installed or live.record.operation is not None or live.unwanted:
            return
        interval = live.order.check_interval
        now = datetime.fromtimestamp(self._world.now(), UTC)
        self._scheduler.add_job(
            self._scheduled,
            _Every(interval, self._world.random),
            args=(live,),
            id=_job(live.key),
            next_run_time=now + timedelta(seconds=interval if first is None else first),
            replace_existing=True,
            misfire_grace_time=None,
            coalesce=True,
        )

    async def pause(self, key: Key) -> None:
        """Take an instance off the schedule; a check that runs is ended, and what was said of it is over."""
        if self._scheduler.get_job(_job(key)):
            self._scheduler.remove_job(_job(key))
        await self._stop(key)
        if live := self._instances.get(key):
            live.unchecked = ""

    async def ask(self, live: Live) -> Result:
        """The result of a check that runs from now on, or already does; nothing comes of it. Raises FetchFailed."""
        task = self._running.get(live.key)
        if task is None:
            task = self._running[live.key] = asyncio.create_task(self._once(live))
        return await asyncio.shield(task)

    async def check(self, live: Live) -> Result:
        """Check an instance at rest; the result counts. Raises FetchFailed, and Refused when an operation begins."""
        try:
            result = await self.ask(live)
        except asyncio.CancelledError:
            if (current := asyncio.current_task()) and current.cancelling():
                raise  # it is not the check that was broken off, but we are
            begun = live.record.operation
            why = f"operation {begun.id} has begun; no check runs beside it" if begun else "the check was broken off"
            raise Refused(409, "busy", why) from None
        self.made["good" if result.good else "failed"] += 1
        if live.record.operation is None and not live.forgotten:
            if result.good:
                self._watch.look(live)
            self._instances.observe(live, result.code, result.msg)
        return result

    async def _once(self, live: Live) -> Result:
        try:
            script = await self._fetch(live.order)
            self._say(live, script.trouble)
            return await run_check(script.path, live.order, live.folder, self._world.spawn, script.package)
        except FetchFailed as error:
            self._say(live, f"it is not checked: {error}")
            raise
        finally:
            self._running.pop(live.key, None)

    async def _scheduled(self, live: Live) -> None:
        # The instance says it, an operation has begun, or the agent ends: nothing that the scheduler need log.
        with suppress(FetchFailed, Refused, asyncio.CancelledError):
            if live.record.operation is None:
                await self.check(live)

    def _say(self, live: Live, trouble: str) -> None:
        """Note what is wrong with an instance's check script, empty for nothing, for those who look at the instance."""
        said = trouble or (_MENDED if live.unchecked else "")
        if said != live.unchecked:
            log.warning("%s/%s: %s", *live.key, said)
            live.unchecked = said

    def _spread(self) -> None:
        for live in self._instances:
            self.schedule(live, first=live.order.check_interval * self._world.random.random())

    def _clock_ahead(self) -> float:
        return self._world.now() - asyncio.get_running_loop().time()

    async def _stop(self, key: Key) -> None:
        task = self._running.get(key)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])


def _job(key: Key) -> str:
    return "/".join(key)
