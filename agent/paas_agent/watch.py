"""The moment a watched process exits, and which process that is."""

import asyncio
import logging
import os
import stat
import time
from pathlib import Path

from paas_agent.instances import Instances
from paas_agent.journal import Key
from paas_agent.live import Live
from paas_agent.process import TICKS, Identity, carries, identify

log = logging.getLogger(__name__)

_TOLERANCE = 2.0  # seconds; a file's time and a process's start come from different clocks


class Stranger(Exception):
    """The pid file names a process that cannot be the instance's; the text says why."""


def find(folder: Path, *, known: Identity | None, since: float, boot: str) -> Identity | None:
    """The process that `folder`/pid names; None without such a file. Raises Stranger.

    It must be the one already known, or be younger than `since` (UTC), or carry this INSTANCE_DIR in its environment,
    or work in it: a number alone may since have been given to anybody.
    """
    named = _read_pid_file(folder / "pid")
    if named is None:
        return None
    pid, written = named
    found = identify(pid, boot) if pid > 1 else None
    if found is None or pid == os.getpid():
        raise Stranger(f"the pid file names {pid}, and there is no such process of the instance")
    if found == known:
        return found
    began = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + found.started / TICKS
    if began > written + _TOLERANCE:
        raise Stranger(f"the pid file is older than process {pid}, which it names: that is another one")
    if began < since - _TOLERANCE and not (carries(pid, f"INSTANCE_DIR={folder}") or _works_in(pid, folder)):
        raise Stranger(f"the pid file names process {pid}, which ran before and is not the instance's")
    return found


def _works_in(pid: int, folder: Path) -> bool:
    """Whether its program or its working folder lies in there: redis writes its title over its environment."""
    try:
        links = [Path(f"/proc/{pid}/{name}").readlink() for name in ("exe", "cwd")]
    except OSError:
        return False
    return any(link.is_relative_to(folder.resolve()) for link in links)


def _read_pid_file(path: Path) -> tuple[int, float] | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        found = os.fstat(descriptor)
        text = os.read(descriptor, 64).split() if stat.S_ISREG(found.st_mode) else []
    finally:
        os.close(descriptor)
    if not text:
        return None
    if not text[0].isdigit() or len(text[0]) > 9:
        raise Stranger("the pid file does not hold a number")
    return int(text[0]), found.st_mtime


class Watch:
    """Watches one process an instance; its exit counts at once."""

    def __init__(self, instances: Instances, boot: str) -> None:
        self._instances = instances
        self._boot = boot
        self._descriptors: dict[Key, int] = {}

    def resume(self, live: Live) -> None:
        """Find the process again that a former agent watched."""
        if live.record.watched is not None:
            live.alive = self._follow(live, live.record.watched)
            self._instances.judge(live)

    def look(self, live: Live, since: float | None = None) -> None:
        """Follow the process that the pid file names, unless one that lives is followed already.

        `since` (UTC) is when the scripts began that may have started it; else it must have come after the last one.
        """
        if live.alive:
            return
        try:
            young = live.exited_at if since is None else since
            found = find(live.folder, known=live.record.watched, since=young, boot=self._boot)
        except Stranger as error:
            if live.doubt != str(error):
                log.warning("%s/%s is not watched: %s", *live.key, error)
            live.doubt = str(error)
            return
        live.doubt = ""
        live.alive = self._follow(live, found) if found else None
        self._instances.watched(live, found)

    def forget(self, live: Live) -> None:
        """Watch nothing for this instance any more."""
        self._drop(live.key)
        live.alive, live.doubt = None, ""
        self._instances.watched(live, None)

    def close(self) -> None:
        """Let go of all processes; they stay in the journal."""
        for key in list(self._descriptors):
            self._drop(key)

    def _follow(self, live: Live, watched: Identity) -> bool:
        self._drop(live.key)
        live.exited.clear()
        try:
            descriptor = os.pidfd_open(watched.pid)
        except ProcessLookupError:
            return False
        if identify(watched.pid, self._boot) != watched:  # asked again: now the descriptor holds the number
            os.close(descriptor)
            return False
        self._descriptors[live.key] = descriptor
        asyncio.get_running_loop().add_reader(descriptor, self._gone, live)
        return True

    def _gone(self, live: Live) -> None:
        self._drop(live.key)
        live.alive, live.exited_at = False, time.time()
        live.exited.set()
        self._instances.judge(live)

    def _drop(self, key: Key) -> None:
        descriptor = self._descriptors.pop(key, None)
        if descriptor is not None:
            asyncio.get_running_loop().remove_reader(descriptor)
            os.close(descriptor)
