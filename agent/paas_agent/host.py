"""Facts and load of this host."""

import os
import platform
import socket
from pathlib import Path

import psutil

from paas_agent.orders import as_text


def facts(work_dir: Path) -> dict[str, str | int | float]:
    """What the controller is told of this host; sizes in bytes."""
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
    }


def _system() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    except (OSError, UnicodeDecodeError):
        return platform.system()
