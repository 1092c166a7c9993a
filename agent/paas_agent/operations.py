"""Operations: taken once, followed within their deadline, settled; resumed after a crash of the agent."""

import asyncio
import errno
import logging
import uuid
from collections import Counter
from pathlib import Path

from paas_agent import checkscript, output, runner
from paas_agent.checks import Checks
from paas_agent.contract import Accepted, Action, Order, Outcome, Progress
from paas_agent.course import Course, Failed, Stage, outcome_of, too_late
from paas_agent.errors import Refused
from paas_agent.instances import Instances
from paas_agent.journal import Key, Operation
from paas_agent.live import Live
from paas_agent.packages import FetchFailed
from paas_agent.performer import Performer
from paas_agent.watch import Watch
from paas_agent.world import World

log = logging.getLogger(__name__)


class Operations:
    """All operations under way on this host."""

    def __init__(self, world: World, instances: Instances, watch: Watch, checks: Checks, performer: Performer) -> None:
        self._world = world
        self._instances = instances
        self._watch = watch
        self._checks = checks
        self._performer = performer
        self._courses: dict[str, Course] = {}
        self._strays = _strays(instances)
        self.ended: Counter[str] = Counter()

    async def accept(self, order: Order, action: Action, asked_at: float | None = None) -> Accepted:
        """Take an order, or say how the one of this id stands. Refused: 409, 412, and 507 or 503 without a journal.

        `asked_at` is the loop's time since which the repository's word counts; None: when its files are fetched.
        """
        try:
            await self._instances.arrival(order.operation_id)
            known = self._instances.find_operation(order.operation_id) if order.operation_id else None
            if known is not None:
                return _again(known, order, action)
            self._admit(order)
            operation = Operation(
                order.operation_id or uuid.uuid4().hex, action, order, self._world.now(), self._world.boot
            )
            live = await self._instances.begin(operation)
        except OSError as error:
            raise Refused(*_no_journal(error)) from error
        log.info("%s %s/%s was accepted", action, *live.key, extra={"operation_id": operation.id})
        self._set_off(live, operation, asked_at)
        return Accepted(operation_id=operation.id, state="running")

    def resume(self) -> None:
        """Go on with what a former agent had accepted."""
        for live in self._instances:
            if live.record.operation is not None:
                log.info("goes on", extra={"operation_id": live.record.operation.id})
                self._set_off(live, live.record.operation, resumed=True)

    async def cancel(self, operation_id: str) -> None:
        """End an operation in flight, which is written down when this returns; one that has ended stays as it is."""
        course = self._courses.get(operation_id)
        if course is None or course.ending:
            return
        if not course.operation.cancelled:
            course.operation.cancelled = True
            self._instances.save(course.live)
            _break_off_soon(course)
        await self._instances.written()

    async def forget(self, live: Live) -> None:
        """Drop an instance at rest of which all was told: its checks, its watch, its journal. Its software stays."""
        busy = self._instances.in_flight(live.key) is not None
        if not busy and all(ended.acknowledged for ended in live.record.ended):
            self._instances.forget(live)
            self._watch.forget(live)
            await self._checks.pause(live.key)
            checkscript.forget(live.folder)

    async def close(self) -> None:
        """Let go of all operations; their scripts run on, and the next agent adopts them."""
        tasks = [course.task for course in self._courses.values() if course.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _admit(self, order: Order) -> None:
        if order.epoch and order.epoch != self._instances.journal.state.epoch:
            raise Refused(412, "other-epoch", "this order was meant for another journal of this agent")
        key = order.type, order.name
        busy = self._instances.in_flight(key)
        if busy is not None:
            raise Refused(409, "busy", f"operation {busy.id} is in flight for {order.type}/{order.name}")
        for lock in self._strays.get(key, ()):
            if runner.held(lock):
                sentence = f"a script of operation {lock.parent.name} still runs, from a journal that was lost"
                raise Refused(409, "busy", sentence)

    def _set_off(
        self, live: Live, operation: Operation, asked_at: float | None = None, *, resumed: bool = False
    ) -> None:
        live.progress = Progress(
            operation_id=operation.id,
            action=operation.action,
            state="running",
            phase="queued",
            started_at=operation.accepted_at,
        )
        folder = self._instances.journal.operation_folder(operation.id)
        course = Course(live, operation, folder, live.record.status, asked_at, resumed)
        self._courses[operation.id] = course
        course.task = asyncio.create_task(self._follow(course))
        if operation.cancelled:
            _break_off_soon(course)

    async def _follow(self, course: Course) -> None:
        try:
            async with output.kept_small(course.output, self._world.spawn):
                failure = await self._to_its_end(course)
                course.ending = True
            await self._checks.pause(course.live.key)
            self._settle(course, failure)
        finally:
            del self._courses[course.operation.id]
        self._checks.schedule(course.live)

    async def _to_its_end(self, course: Course) -> Failed | None:
        """Perform the operation within its deadline; what became of it, None for success."""
        action = course.operation.action
        try:
            await self._in_time(course)
            return None
        except Failed as failure:
            return failure
        except FetchFailed as error:
            return Failed(str(error), error.fault)
        except TimeoutError:
            return await self._broken_off(course, too_late(course))
        except OSError as error:
            return Failed(f"the agent's work folder cannot be used: {error.strerror}", "environment")
        except Exception as error:
            log.exception("the %s failed inside the agent", action, extra={"operation_id": course.operation.id})
            return Failed(f"the agent itself failed: {type(error).__name__}; its log says more", "environment")
        except asyncio.CancelledError:
            if not course.operation.cancelled:
                raise  # the agent is being stopped
            return await self._broken_off(course, Failed(f"the {action} was cancelled", "", "cancelled"))

    async def _in_time(self, course: Course) -> None:
        """Perform it within its deadline. What came up while no agent was there is looked at once before it is late."""
        remaining = course.operation.accepted_at + course.timeout - self._world.now()
        try:
            async with asyncio.timeout(max(remaining, 0)):
                await self._performer.perform(course)
        except TimeoutError:
            unseen = course.resumed and course.stage is Stage.CONFIRMING and course.doubt is None
            if not unseen:
                raise
            async with asyncio.timeout(course.order.check_timeout):
                await self._performer.look(course)
            if course.doubt is not None or course.live.alive is False:
                raise

    async def _broken_off(self, course: Course, why: Failed) -> Failed | None:
        course.ending = True
        if course.stage is Stage.LOOKING:
            return None
        if course.step is not None:
            await runner.end(course.step, self._world.grace)
        return why

    def _settle(self, course: Course, failure: Failed | None) -> None:
        live, operation = course.live, course.operation
        outcome = outcome_of(course, failure, self._world.now())
        self.ended[outcome.state] += 1
        sentence = outcome.message.partition("\n")[0]
        about = {"operation_id": operation.id}
        log.info("%s %s/%s: %s", operation.action, *live.key, sentence or outcome.state, extra=about)
        self._instances.settle(live, outcome, sentence)


def _break_off_soon(course: Course) -> None:
    """Cancel an operation's task, but not before it has begun: it would never say how it ended."""

    def break_off() -> None:
        if course.task is not None and not course.ending:
            course.task.cancel()

    asyncio.get_running_loop().call_soon(break_off)


def _strays(instances: Instances) -> dict[Key, list[Path]]:
    """The locks of scripts that a lost journal may have left running: nothing is started beside them."""
    found: dict[Key, list[Path]] = {}
    journal = instances.journal
    for folder in journal.operation_folders():
        if instances.find_operation(folder.name) is None and (order := journal.kept_order(folder.name)):
            found.setdefault((order.type, order.name), []).extend(folder.glob("*.lock"))
    return found


def _again(known: tuple[Live, Operation | Outcome], order: Order, action: Action) -> Accepted:
    live, found = known
    if live.key != (order.type, order.name) or found.action != action:
        raise Refused(
            409,
            "other-operation",
            f"operation {order.operation_id} is another one: {found.action} of {live.order.name}",
        )
    state = found.state if isinstance(found, Outcome) else "running"
    return Accepted(operation_id=order.operation_id, state=state)


def _no_journal(error: OSError) -> tuple[int, str, str]:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return 507, "disk-full", "the order was not taken: the disk of the agent's work folder is full"
    return 503, "no-journal", f"the order was not taken: it cannot be journaled ({error.strerror})"
