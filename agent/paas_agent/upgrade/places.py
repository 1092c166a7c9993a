"""Where things are on a host: what the agent may write, and what only root may."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from paas_agent.journal import write_whole
from paas_agent.manifest import Kind, PackageFile, Upgraded

_PROGRAM = Path("/usr/lib/paas-agent")


class Anchor(msgspec.Struct, kw_only=True, frozen=True):
    """The file anchor.json: by which name the controller knows this host, and the CA by whose key it signs (PEM)."""

    host: str
    ca: str


@dataclass(frozen=True)
class Places:
    """`spool` is the agent's own; `home` belongs to root, and others may read there what lies in it."""

    spool: Path = Path("/var/lib/paas-agent/upgrade")
    home: Path = Path("/var/lib/paas-agent-upgrade")

    @property
    def work(self) -> Path:
        """For nobody's eyes but root's."""
        return self.home / "work"

    @property
    def package(self) -> Path:
        """What is being installed."""
        return self.work / "package"

    def kept(self, kind: Kind, version: str) -> Path:
        """The package of the version that is there, to be put back. Whoever installs one as root may leave it so."""
        return self.work / f"kept-{kind}-{version}"

    def keep(self, file: PackageFile) -> None:
        """What was installed is what the next upgrade would go back to; also where a former run has done it."""
        with suppress(FileNotFoundError):
            self.package.replace(self.kept(file.kind, file.version))
        for other in self.work.glob("kept-*"):
            if other != self.kept(file.kind, file.version):
                other.unlink()

    @property
    def serial(self) -> Path:
        return self.work / "serial"

    @property
    def pending(self) -> Path:
        """Stands as long as an upgrade is under way."""
        return self.work / "pending.json"

    def anchor(self) -> Anchor | None:
        """None where there is none that can be read."""
        try:
            return msgspec.json.decode((self.home / "anchor.json").read_bytes(), type=Anchor)
        except (OSError, msgspec.DecodeError):
            return None

    def trust(self, anchor: Anchor) -> None:
        """Lays down whose upgrades are taken. Raises OSError."""
        self.home.mkdir(mode=0o755, exist_ok=True)
        self._show("anchor.json", msgspec.json.encode(anchor))

    def tell(self, upgraded: Upgraded) -> None:
        """For the agent, which passes it on. Raises OSError."""
        self._show("outcome.json", msgspec.json.encode(upgraded))

    def told(self) -> tuple[int, Upgraded] | None:
        """What was told last, and when (nanoseconds); None for nothing."""
        path = self.home / "outcome.json"
        try:
            return path.stat().st_mtime_ns, msgspec.json.decode(path.read_bytes(), type=Upgraded)
        except (OSError, msgspec.DecodeError):
            return None

    def _show(self, name: str, data: bytes) -> None:
        path = self.home / name
        write_whole(path, data)
        path.chmod(0o644)


def installed_as(program: Path = _PROGRAM) -> Kind | None:
    """By which kind of package the agent came to this host; None where it came otherwise."""
    if (program / "archive").is_dir():
        return "archive"
    if Path("/var/lib/dpkg/info/paas-agent.list").exists():
        return "deb"
    return "rpm" if program.is_dir() else None
