"""Run one script to its end, once, also over a crash of the agent.

The script runs below a small sh wrapper. The wrapper's standard input is a file with a lock on it, taken before the
start and gone with the wrapper. `started` is made exclusively, so a run is never begun twice; `exit` counts once its
line is whole. What is found on disk therefore tells a later agent everything: lock held, adopt it; `exit` there, that
is how it ended; `started` without either, nobody knows.
"""

import asyncio
import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

from paas_agent import process
from paas_agent.process import Spawn

_WRAPPER = """
set -C
trap : TERM INT HUP
umask 022
echo $$ > "$1.started" || exit 125
set +C
[ -z "$3" ] || { mkdir -p "$3" && echo $$ > "$3/cgroup.procs"; } 2>/dev/null
cd "$INSTANCE_DIR" && unset OLDPWD && /bin/sh "$2" </dev/null
code=$?
echo $code > "$1.exit"
exit $code
"""


class Interrupted(Exception):
    """The script was started, and nobody can tell how it ended."""


class NotStarted(Exception):
    """The script could not be started, and has not run; the text says why."""


@dataclass
class Run:
    """One script of an operation. `marks` is the path its marks on disk begin with; `leader` the wrapper's pid.

    `group` is the cgroup that it shall run in, if any.
    """

    marks: Path
    output: Path
    folder: Path
    leader: int = 0
    group: str = ""

    def mark(self, name: str) -> Path:
        """The file of one mark: lock, started or exit."""
        return _mark(self.marks, name)

    @property
    def exit_code(self) -> int | None:
        """How the script ended, as its wrapper recorded it."""
        text = _text(self.mark("exit"))
        return int(text) if text.endswith("\n") else None


def has_begun(marks: Path) -> bool:
    """Whether the script with these marks was ever started, be it that its wrapper is just about to mark it."""
    lock = _mark(marks, "lock")
    return bool(_text(_mark(marks, "started"))) or (lock.exists() and held(lock))


async def start(step: Run, script: Path, environment: dict[str, str], spawn: Spawn) -> int:
    """Run a script that has not begun; its exit code, negative for a signal.

    Raises Interrupted and NotStarted. When this is cancelled the script goes on: see `end`.
    """
    lock = _try_lock(step.mark("lock"))
    if lock is None:
        raise NotStarted("it runs already")
    try:
        step.mark("started").unlink(missing_ok=True)
        step.leader = _launch(step, script, environment, lock, spawn)
    finally:
        os.close(lock)
    return await _finish(step)


async def take_up(step: Run) -> int:
    """Adopt a script that has begun, or find how it ended. Else as `start`."""
    if held(step.mark("lock")):
        return await _adopt(step)
    if step.exit_code is None:
        raise Interrupted
    return step.exit_code


async def end_leftovers(step: Run, grace: float) -> None:
    """End what is left of a script whose wrapper is gone, so that the next one does not run beside it."""
    leader = _text(step.mark("started")).strip()
    mark = f"INSTANCE_DIR={step.folder}"
    if leader and any(process.carries(pid, mark) for pid in process.members(int(leader))):
        await process.end_group(int(leader), grace)


async def end(step: Run, grace: float) -> None:
    """End a script that is running: TERM to its group, KILL after `grace` seconds."""
    if step.leader:
        await process.end_group(step.leader, grace)
        process.reap(step.leader)
        step.leader = 0


def _launch(step: Run, script: Path, environment: dict[str, str], lock: int, spawn: Spawn) -> int:
    try:
        output = os.open(step.output, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise NotStarted(f"the script's output cannot be written: {error.strerror}") from error
    try:
        command = ("/bin/sh", "-c", _WRAPPER, "paas-agent", str(step.marks), str(script), step.group)
        return spawn(command, environment, (lock, output, output))
    except OSError as error:
        raise NotStarted(f"the script cannot be started: {error.strerror}") from error
    finally:
        os.close(output)


async def _finish(step: Run) -> int:
    await process.ended(step.leader)
    code = process.reap(step.leader)
    step.leader = 0
    if step.exit_code is not None:
        return step.exit_code
    if not _text(step.mark("started")):
        raise NotStarted("the start of the script cannot be recorded; is the disk full?")
    if code is None or code < 0:
        raise Interrupted
    return code


async def _adopt(step: Run) -> int:
    while not (leader := _text(step.mark("started"))).endswith("\n"):
        await asyncio.sleep(0.02)  # the wrapper holds its lock, and is about to write its mark
        if (lock := _try_lock(step.mark("lock"))) is not None:
            os.close(lock)
            raise NotStarted("the script ended before it began")
    step.leader = int(leader)
    return await _finish(step)


def held(lock: Path) -> bool:
    """Whether a wrapper holds this lock: its script still runs."""
    descriptor = _try_lock(lock)
    if descriptor is not None:
        os.close(descriptor)
    return descriptor is None


def _try_lock(path: Path) -> int | None:
    """A descriptor that holds the lock, or None when a wrapper does."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _mark(marks: Path, name: str) -> Path:
    return marks.with_name(f"{marks.name}.{name}")


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""
