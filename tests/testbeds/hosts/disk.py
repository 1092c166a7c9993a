"""A host's disk: an overlay on the base tree, kept in memory (a tmpfs) until the host is erased."""

import os
from pathlib import Path

from tests.testbeds.hosts.machine import command

SIZE = 2 << 30


def make(folder: Path, tree: Path) -> Path:
    """A new disk like the tree; the folder that it is mounted at."""
    disk, root = folder / "disk", folder / "root"
    for place in (disk, root):
        place.mkdir(parents=True)
    command("mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0755", "none", disk)
    for place in (disk / "written", disk / "work"):
        place.mkdir(mode=0o755)
    layers = f"lowerdir={tree.resolve()},upperdir={disk / 'written'},workdir={disk / 'work'}"
    command("mount", "-t", "overlay", "-o", layers, "none", root)
    return root


def shrink(folder: Path, left: int) -> None:
    """Leaves so many bytes free."""
    now = os.statvfs(folder / "disk")
    used = (now.f_blocks - now.f_bfree) * now.f_frsize
    _resize(folder, used + left)


def widen(folder: Path) -> None:
    """As large as it was made."""
    _resize(folder, SIZE)


def remove(folder: Path) -> None:
    """Nothing of the folder is left; it may be half made or gone already."""
    for place in (folder / "root", folder / "disk"):
        if place.is_mount():
            command("umount", "--lazy", place)
    command("rm", "-rf", "--one-file-system", folder)


def _resize(folder: Path, size: int) -> None:
    command("mount", "-o", f"remount,size={size}", folder / "disk")
