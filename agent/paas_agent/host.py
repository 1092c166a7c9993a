"""Facts and load of this host."""

import os
import platform
import socket
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

import psutil

from paas_agent.contract import Disk
from paas_agent.orders import as_text
from paas_agent.upgrade.places import installed_as

_MOST_DISKS = 32
_READ_ONLY = frozenset({"squashfs", "iso9660", "erofs", "udf"})
"""File systems that are always full."""


def told(work_dir: Path) -> tuple[dict[str, str | int | float], list[Disk]]:
    """What the controller is told of this host."""
    return facts(work_dir), list(islice(disks(), _MOST_DISKS))


def facts(work_dir: Path) -> dict[str, str | int | float]:
    """Sizes in bytes; `disk` is the one that the agent works on."""
    system = _system()
    memory, disk = psutil.virtual_memory(), psutil.disk_usage(str(work_dir))
    return {
        "hostname": as_text(socket.gethostname()),
        "os": system,
        "kernel": platform.release(),
        "arch": platform.machine(),
        "cores": os.cpu_count() or 1,
        "memory": memory.total,
        "memory_available": memory.available,
        "disk": disk.total,
        "disk_free": disk.free,
        "load": os.getloadavg()[0],
        "booted_at": psutil.boot_time(),
        "package": installed_as() or "none",
    }


def disks() -> Iterator[Disk]:
    """The file systems on disks of this host, each once. None of the network's: asking for those may hang."""
    seen = set()
    for part in psutil.disk_partitions(all=False):
        if part.device in seen or part.fstype in _READ_ONLY:
            continue
        with suppress(OSError):  # it is gone, or not for this user's eyes
            if Path(part.mountpoint).is_dir():  # a container has single files of the machine below it as mounts
                usage = psutil.disk_usage(part.mountpoint)
                seen.add(part.device)
                yield Disk(mount=as_text(part.mountpoint), total=usage.total, free=usage.free)


def _system() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    except (OSError, UnicodeDecodeError):
        return platform.system()
