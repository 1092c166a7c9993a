"""Brings an operation to its end: fetch, run, confirm. What is on disk says how far it has come."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from paas_agent import cgroups, runner
from paas_agent.checks import Checks
from paas_agent.contract import Action, Check, Phase
from paas_agent.course import Course, Failed, Stage
from paas_agent.journal import Journal
from paas_agent.orders import environment
from paas_agent.packages import FetchFailed, Packages
from paas_agent.watch import Watch
from paas_agent.world import World

PHASES: dict[Action, Phase] = {
    "install": "installing",
    "start": "starting",
    "stop": "stopping",
    "restart": "restarting",
    "uninstall": "uninstalling",
}
Begin = Callable[[runner.Run], Awaitable[int]]
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 5.0


class Performer:
    """Brings an operation to its end. `nudge` is called when the controller should soon hear how far it is."""

    def __init__(
        self,
        world: World,
        journal: Journal,
        packages: Packages,
        watch: Watch,
        checks: Checks,
        nudge: Callable[[], None],
    ) -> None:
        self._world = world
        self._journal = journal
        self._packages = packages
        self._watch = watch
        self._checks = checks
        self._nudge = nudge

    async def perform(self, course: Course) -> None:
        """Raises Failed, FetchFailed or OSError when it does not succeed; nothing else becomes of the instance here."""
        await self._checks.pause(course.live.key)
        steps = course.steps
        begun = [step for step in steps if course.has_begun(step)]
        for step in begun:  # by a former agent: it may be running now, and comes before anything else
            await self._run(course, step, runner.take_up)
        if len(begun) < len(steps):
            await self._start(course, steps[len(begun) :])
        action = course.operation.action
        if action in ("start", "restart"):
            await self._confirm(course)
        elif action == "install":
            if not course.live.alive:
                self._watch.forget(course.live)
            course.stage = Stage.LOOKING
            await self.look(course)
        else:
            self._watch.forget(course.live)

    async def _start(self, course: Course, steps: tuple[Action, ...]) -> None:
        """Run what has not begun. All that it needs is there before the first script touches anything."""
        if course.operation.boot != self._world.boot:
            course.stage = Stage.AT_WORK  # it may well have been, and whatever ran then is gone
            raise _interrupted(course.script(steps[0]))
        await self._journal.prepare(course.operation)
        files = await self._fetch(course, steps)
        for step in steps:
            package = str(files.get(course.order.package, "")) or await self._packages.held(course.order)
            variables = environment(course.order, step, str(course.live.folder), package)
            script = files[course.script(step)]
            await self._run(
                course, step, partial(runner.start, script=script, environment=variables, spawn=self._world.spawn)
            )

    async def _fetch(self, course: Course, steps: tuple[Action, ...]) -> dict[str, Path]:
        self._enter(course, "fetching")
        names = [course.script(step) for step in steps]
        if "install" in steps and course.order.package:
            names.append(course.order.package)
        fetch = partial(self._packages.fetch, course.order.repo_url, progress=_into(course), since=course.asked_at)
        return {name: await fetch(name) for name in names}

    async def _run(self, course: Course, step: Action, begin: Begin) -> None:
        """Bring one script to its end. `begin` starts it, or takes it up, and gives its exit code."""
        self._enter(course, PHASES[step])
        name = course.script(step)
        group = cgroups.group_of(self._world.unit, course.order.type, course.order.name)
        course.step = runner.Run(course.folder / step, course.output, course.live.folder, group=group)
        course.stage = Stage.AT_WORK
        try:
            code = await begin(course.step)
        except runner.NotStarted as error:
            course.stage = Stage.APART
            raise Failed(str(error), "environment") from error
        except runner.Interrupted as error:
            await runner.end_leftovers(course.step, self._world.grace)
            raise _interrupted(name) from error
        course.step = None
        if code:
            raise Failed(f"{name} ended with {_exit(code)}", code=code)
        if step == "stop":
            course.standing, course.stage = "stopped", Stage.APART

    async def _confirm(self, course: Course) -> None:
        """Wait until the check is good. A process that was seen and is gone again ends the wait."""
        self._enter(course, "checking")
        live, pause = course.live, _FIRST_PAUSE
        course.stage = Stage.CONFIRMING
        if not live.alive:
            self._watch.forget(live)
        while True:
            await self.look(course)
            if live.alive is False:
                about = f"; {course.doubt}" if course.doubt else ""
                raise Failed(f"the watched process ended while it was starting{about}")
            if course.doubt is None:
                return
            live.exited.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await live.exited.wait()
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def look(self, course: Course) -> None:
        """One check, with a look at the pid file before and after."""
        live, since = course.live, course.operation.accepted_at
        self._watch.look(live, since)
        try:
            result = await self._checks.ask(live)
        except FetchFailed as error:
            course.doubt = Failed(str(error), error.fault)
        else:
            course.check = Check(code=result.code, msg=result.msg, at=self._world.now())
            course.doubt = None if result.good else Failed(f"the last check said {result.code}: {result.msg}")
        self._watch.look(live, since)

    def _enter(self, course: Course, phase: Phase) -> None:
        if course.live.progress is not None:
            course.live.progress.phase = phase
            self._nudge()


def _into(course: Course) -> Callable[[int, int], None]:
    def progress(done: int, total: int) -> None:
        if course.live.progress is not None:
            course.live.progress.bytes_done, course.live.progress.bytes_total = done, total

    return progress


def _interrupted(name: str) -> Failed:
    return Failed(f"{name} was interrupted, and nobody knows how far it came", "environment", "interrupted")


def _exit(code: int) -> str:
    return f"exit code {code}" if code > 0 else f"signal {-code}"
