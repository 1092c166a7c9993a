"""The agent's packages as they lie in the folder now, each with its digest. What has changed is read again."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from paas_agent.manifest import PackageFile, order_of
from paas_controller.hosts.host import Host
from paas_controller.hosts.packages import Package, packages_in

_Seal = tuple[Path, int, int]


@dataclass(frozen=True, slots=True)
class Sort:
    """What a host takes: the kind of package by which its agent came, and its machine. Empty where it has not said."""

    kind: str
    machine: str

    @classmethod
    def of(cls, host: Host) -> "Sort":
        return cls(str(host.facts.get("package", "")), str(host.facts.get("arch", "")))


class Shelf:
    """`look` before anything is asked, and from time to time."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._files: dict[_Seal, PackageFile] = {}
        self._outdated: dict[tuple[object, object, str], bool] = {}
        """What is known by now, by kind, machine and version: it is asked of every host, again and again."""

    async def look(self) -> None:
        """Sees what there is now. Raises OSError."""
        if self.folder is not None:
            self._files = await asyncio.to_thread(self._found, self.folder)
            self._outdated.clear()

    def _found(self, folder: Path) -> dict[_Seal, PackageFile]:
        seals = {_seal(package.path): package for package in packages_in(folder)}
        return {seal: self._files.get(seal) or _file(package) for seal, package in seals.items()}

    def newest(self, sort: Sort, version: str = "") -> PackageFile | None:
        """That of this version, or the newest there is."""
        fitting = [each for each in self._files.values() if (each.kind, each.machine) == (sort.kind, sort.machine)]
        wanted = [each for each in fitting if version in ("", each.version)]
        return max(wanted, key=lambda each: order_of(each.version), default=None)

    def path(self, sha256: str) -> Path | None:
        """Where the package with this digest lies."""
        return next((seal[0] for seal, file in self._files.items() if file.sha256 == sha256), None)

    def outdates(self, host: Host) -> bool:
        """Whether there is a newer version for this host than it has."""
        key = (host.facts.get("package"), host.facts.get("arch"), host.version)
        if key not in self._outdated:
            found = self.newest(Sort.of(host))
            older = found is not None and order_of(host.version) < order_of(found.version)
            self._outdated[key] = older and bool(host.version)
        return self._outdated[key]


def _seal(path: Path) -> _Seal:
    found = path.stat()
    return path, found.st_mtime_ns, found.st_size


def _file(package: Package) -> PackageFile:
    size = package.path.stat().st_size
    return PackageFile(
        kind=package.kind, version=package.version, machine=package.machine, size=size, sha256=package.sha256()
    )
