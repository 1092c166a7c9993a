"""Folders in memory, for what is written often and kept by nobody: a test waits for no disk there."""

import os
import shutil
from pathlib import Path

_MEMORY = Path("/dev/shm")


def memory(room: int = 2) -> Path | None:
    """Where files are kept in memory and may be run, if there is room for so many GiB."""
    if not _MEMORY.is_dir() or os.statvfs(_MEMORY).f_flag & os.ST_NOEXEC:
        return None
    return _MEMORY if shutil.disk_usage(_MEMORY).free > room << 30 else None
