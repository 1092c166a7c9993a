"""A cgroup for what the scripts of each instance start, below that of the agent's unit (Delegate=yes).

So it can be seen whose processes they are, by whatever a service calls itself and whoever its parent is.
"""

import os
from contextlib import suppress
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")


def delegated(root: Path = ROOT, own: Path = OWN) -> Path | None:
    """The group of the agent's unit where groups can be made below it; there is none with cgroups of the old kind."""
    lines = own.read_text().splitlines()
    group = root / next((line[4:] for line in lines if line.startswith("0::/")), "")
    if group.suffix == ".service" and os.access(group, os.W_OK) and os.access(group / "cgroup.procs", os.W_OK):
        return group
    return None


def group_of(unit: Path | None, kind: str, name: str) -> str:
    """The group of an instance, which its first script makes; empty where there are none."""
    return f"{unit}/{kind}:{name}" if unit else ""


def tidy(unit: Path | None) -> None:
    """Removes the groups that nobody is in any more."""
    for group in unit.glob("*:*") if unit else ():
        with suppress(OSError):
            group.rmdir()
