"""Which packages of the agent there are, as `make package` leaves them in a folder: deb, RPM and archive."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from paas_agent.manifest import Kind, order_of

_NAMES: dict[Kind, re.Pattern[str]] = {
    "deb": re.compile(r"paas-agent_(?P<version>\d[^_/]*)_(?P<machine>\w+)\.deb"),
    "rpm": re.compile(r"paas-agent-(?P<version>\d[^-/]*)-\d+\.(?P<machine>\w+)\.rpm"),
    "archive": re.compile(r"paas-agent-(?P<version>\d[^-/]*)-(?P<machine>\w+)\.tar\.gz"),
}
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
"""Debian's names of machines, as the kernel has them."""


@dataclass(frozen=True, slots=True)
class Package:
    """One file. `machine` is as `uname -m` says it."""

    kind: Kind
    version: str
    machine: str
    path: Path

    def sha256(self) -> str:
        """In hexadecimal digits; reads the whole file. Raises OSError."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def packages_in(folder: Path) -> list[Package]:
    """All that are there, the newest first; none where there is no such folder."""
    if not folder.is_dir():
        return []
    found = filter(None, map(_package, sorted(folder.iterdir())))
    return sorted(found, key=lambda package: order_of(package.version), reverse=True)


def newest(packages: Iterable[Package], kind: Kind, machine: str, version: str = "") -> Package | None:
    """The newest of this kind for this machine, or that of a version; None where there is none."""
    fitting = [each for each in packages if (each.kind, each.machine) == (kind, machine)]
    wanted = [each for each in fitting if version in ("", each.version)]
    return max(wanted, key=lambda package: order_of(package.version), default=None)


def _package(path: Path) -> Package | None:
    for kind, name in _NAMES.items():
        if found := name.fullmatch(path.name):
            machine = found["machine"]
            return Package(kind, found["version"], _MACHINES.get(machine, machine), path)
    return None
