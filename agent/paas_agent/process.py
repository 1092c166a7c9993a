"""Start a process, learn that it has ended, end its group. Linux only: pidfd and /proc."""

import asyncio
import os
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import msgspec
import psutil

KERNEL_THREAD = 0x00200000  # PF_KTHREAD, linux/sched.h
_POLL = 0.05
TICKS = os.sysconf("SC_CLK_TCK")
_SIGNALS = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}
"""All that can be ignored: Python ignores some, and whoever started the agent perhaps others."""
Spawn = Callable[[tuple[str, ...], Mapping[str, str], tuple[int, int, int]], int]


class Identity(msgspec.Struct, frozen=True):
    """A process that cannot be mistaken for a later one of the same number. `started` is in ticks since boot."""

    pid: int
    started: int
    boot: str


def boot_id() -> str:
    """The name of this boot of the machine."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def spawn(argv: tuple[str, ...], environment: Mapping[str, str], stdio: tuple[int, int, int]) -> int:
    """Start a program in its own session with these three descriptors and nothing else; returns its pid."""
    actions = [(os.POSIX_SPAWN_DUP2, descriptor, number) for number, descriptor in enumerate(stdio)]
    return os.posix_spawn(
        argv[0], argv, environment, file_actions=actions, setsid=True, setsigmask=(), setsigdef=_SIGNALS
    )


def keep_inherited() -> None:
    """From now on what this process was started with, beyond its standard three, is not handed on to what it starts."""
    for path in list(Path("/proc/self/fd").iterdir()):
        with suppress(OSError):  # the listing's own descriptor is closed by now
            os.set_inheritable(int(path.name), int(path.name) <= 2)


def identify(pid: int, boot: str) -> Identity | None:
    """The living process of that number; None if there is none, it is a zombie, or it is a thread of the kernel."""
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    fields = text.rpartition(b")")[2].split()
    if fields[0] in (b"Z", b"X") or int(fields[6]) & KERNEL_THREAD:
        return None
    return Identity(pid, int(fields[19]), boot)


async def ended(pid: int) -> None:
    """Return when that process has ended (a zombie has), at once if there is none."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    loop.add_reader(descriptor, over.set)
    try:
        await over.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def reap(pid: int) -> int | None:
    """The exit code of an own child that has ended, negative for a signal; None if it lives or is nobody of ours."""
    try:
        found, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return None
    return os.waitstatus_to_exitcode(status) if found else None


async def to_its_end(leader: int) -> int | None:
    """The exit code of an own child when it has ended, as `reap` gives it.

    What is left of its group ends with it; all of it at once when this is cancelled.
    """
    try:
        await ended(leader)
    finally:
        signal_group(leader, signal.SIGKILL)
        await ended(leader)
        code = reap(leader)
    return code


def signal_group(leader: int, number: int) -> bool:
    """Send a signal to the leader's group; False if nobody is left in it."""
    try:
        os.killpg(leader, number)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def members(leader: int) -> list[int]:
    """The living processes in that group."""
    return [pid for pid in psutil.pids() if _group(pid) == leader and identify(pid, "") is not None]


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0


def carries(pid: int, variable: str) -> bool:
    """Whether a process was started with this NAME=VALUE in its environment, as far as that may be seen."""
    try:
        return os.fsencode(variable) in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False


async def end_group(leader: int, grace: float) -> None:
    """TERM to the group, KILL when somebody is left after `grace` seconds; returns when the group is empty."""
    signal_group(leader, signal.SIGTERM)
    if not await _emptied(leader, grace):
        signal_group(leader, signal.SIGKILL)
        await _emptied(leader, grace)  # in vain for a process that waits for a broken disk: it cannot be ended


async def _emptied(leader: int, seconds: float) -> bool:
    for _ in range(round(seconds / _POLL)):
        reap(leader)
        if not signal_group(leader, 0) or not members(leader):
            return True
        await asyncio.sleep(_POLL)
    return False
