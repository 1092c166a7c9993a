"""A disk that is soon full: a tmpfs of its own."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """The folder as a file system of that size (`1m`). Mounting takes root; others skip the test, and CI must not."""
    if os.geteuid() != 0:
        told = "a small disk takes root to mount"
        pytest.fail(told) if os.environ.get("CI") == "true" else pytest.skip(told)
    folder.mkdir(mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "none", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
