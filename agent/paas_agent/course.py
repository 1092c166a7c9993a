"""The course of one operation: how far it is, what is left of it when it is broken off now, how it ended."""

import asyncio
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from paas_agent import output, runner
from paas_agent.contract import DEFAULT_TIMEOUTS, Action, Check, Fault, OperationState, Order, Outcome, Status
from paas_agent.journal import Operation
from paas_agent.live import Live
from paas_agent.orders import mask

_RESULTS: dict[Action, Status] = {
    "start": "running",
    "restart": "running",
    "stop": "stopped",
    "uninstall": "not-installed",
}
"""The status after an action that went well; after an install the check says it."""


class Failed(Exception):
    """An operation that did not succeed: the state it ends in, a sentence, and whose fault it is."""

    def __init__(
        self, message: str, fault: Fault = "software", state: OperationState = "failed", code: int | None = None
    ) -> None:
        super().__init__(message)
        self.fault = fault
        self.state = state
        self.code = code


class Stage(Enum):
    """How far an operation is, which decides what it leaves behind when it fails or is broken off now.

    APART and AT_WORK alternate, script by script. After the last one a start or restart is CONFIRMING, an install
    LOOKING; a stop or uninstall is over.
    """

    APART = "no script has touched the software since it was as `standing` says: that is what it stays"
    AT_WORK = "a script runs, and is ended if need be: the instance has failed"
    CONFIRMING = "all scripts ended well, and the check is asked until it is good: without that it has failed"
    LOOKING = "all that is left is to see what there is: the operation has succeeded"


@dataclass
class Course:
    """An operation under way. `standing` is the instance's status as long as it is APART."""

    live: Live
    operation: Operation
    folder: Path
    standing: Status
    asked_at: float | None = None
    resumed: bool = False
    """A former agent had accepted it, and its time went on while none was there."""
    stage: Stage = Stage.APART
    ending: bool = False
    """Nobody cancels it any more: it has ended, or is being broken off, whatever its stage."""
    step: runner.Run | None = None
    """The script that is AT_WORK."""
    check: Check | None = None
    """The last result while CONFIRMING or LOOKING."""
    doubt: Failed | None = None
    """Why that was not good, or the check was not made."""
    task: asyncio.Task[None] | None = field(default=None, repr=False)

    @property
    def order(self) -> Order:
        return self.operation.order

    @property
    def timeout(self) -> float:
        """Seconds from the acceptance to the deadline."""
        return self.order.timeout or DEFAULT_TIMEOUTS[self.operation.action]

    @property
    def output(self) -> Path:
        """What the scripts print."""
        return self.folder / "output"

    @property
    def steps(self) -> tuple[Action, ...]:
        """The scripts to run, by the action they stand for. What runs is stopped before it is installed over."""
        action = self.operation.action
        if action == "restart" and not self.order.restart:
            return "stop", "start"
        runs = self.standing == "running" or (self.standing == "failed" and self.live.alive)
        if action == "install" and (runs or self.has_begun("stop")):
            return "stop", "install"
        return (action,)

    def has_begun(self, step: Action) -> bool:
        """Whether a step's script was ever started."""
        return runner.has_begun(self.folder / step)

    def script(self, step: Action) -> str:
        """The name of a step's script."""
        return str(getattr(self.order, step))


def outcome_of(course: Course, failure: Failed | None, ended_at: float) -> Outcome:
    """How an operation ended that has come so far; `failure` None is success."""
    live, operation = course.live, course.operation
    status, installed = _after(course, failure)
    return Outcome(
        operation_id=operation.id,
        type=course.order.type,
        name=course.order.name,
        action=operation.action,
        state=failure.state if failure else "succeeded",
        status=status,
        installed=installed,
        fault=failure.fault if failure else "",
        exit_code=failure.code if failure else 0,
        message=_message(course, failure) if failure else "",
        started_at=operation.accepted_at,
        ended_at=ended_at,
        alive=live.alive,
        check=course.check,
    )


def too_late(course: Course) -> Failed:
    """The failure of an operation whose deadline has come."""
    sentence = f"the {course.operation.action} did not end within {course.timeout:g} s"
    if course.doubt is None:
        return Failed(sentence, "environment" if course.stage is Stage.APART else "software", "timed-out")
    return Failed(f"{sentence}; {course.doubt}", course.doubt.fault, "timed-out")


def _after(course: Course, failure: Failed | None) -> tuple[Status, bool]:
    """The status and whether it is installed, after an operation that ended so."""
    action, installed = course.operation.action, course.live.record.installed
    if failure is not None:
        return course.standing if course.stage is Stage.APART else "failed", installed
    if action == "install":
        runs = course.check is not None and course.check.good and course.live.alive is not False
        return "running" if runs else "stopped", True
    return _RESULTS[action], action != "uninstall" and installed


def _message(course: Course, failure: Failed) -> str:
    """A sentence that ends with the last line the scripts printed; below it all their last lines, if there are more."""
    printed = output.last_lines(course.output, course.order)
    _, more, last = printed.rpartition("\n")
    sentence = f"{failure}: {last}" if last else str(failure)
    return mask(f"{sentence}\n{printed}" if more else sentence, course.order)
