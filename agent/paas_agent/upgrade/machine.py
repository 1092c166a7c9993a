"""What root does to the host: packages are installed, the agent's unit is started and asked."""

import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep, time

from paas_agent.manifest import Kind, status_of

_UNIT = "paas-agent"
# Not this program's own: that one names the libraries that were frozen with it.
_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LC_ALL": "C.UTF-8",
    "DEBIAN_FRONTEND": "noninteractive",
}
_LOOK_EVERY = 0.2
_LONGEST = 500
# Of what a package needs nothing has changed since the first one was installed, with everything that it asks for.
_INSTALL: dict[Kind, tuple[str, ...]] = {
    "deb": ("dpkg", "--force-confold", "--force-downgrade", "-i"),
    "rpm": ("rpm", "-U", "--oldpackage", "--replacepkgs", "--nodeps"),
}


class NotInstalled(Exception):
    """What the package manager said."""


def install(kind: Kind, package: Path) -> None:
    """This version, over whichever is there, whole or half. Raises NotInstalled, OSError."""
    if kind != "archive":
        _run((*_INSTALL[kind], str(package)))
        return
    with tempfile.TemporaryDirectory(dir=package.parent, prefix="unpacked-") as folder:
        _run(("tar", "-C", folder, "--no-same-owner", "-xzf", str(package)))
        [unpacked] = Path(folder).iterdir()
        _run((str(unpacked / "install"),))


def sync(folder: Path) -> None:
    """All of this file system is on the disk when it returns."""
    _run(("sync", "--file-system", str(folder)))


def start() -> None:
    """The agent, where it has given up or was ended; nobody waits for it."""
    for words in (("reset-failed",), ("--no-block", "start")):
        _ask(("systemctl", "--quiet", *words, _UNIT))


def heard(version: str) -> bool:
    """Whether an agent of this version runs whose reports the controller takes."""
    asked = _ask(("systemctl", "show", "--value", "--property=StatusText", _UNIT))
    return asked.stdout.strip() == status_of(version)


def _ask(words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - words of this module's own
        words, check=False, env=_ENVIRONMENT, text=True, errors="replace",
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def _run(words: Sequence[str]) -> None:
    done = _ask(words)
    if done.returncode:
        raise NotInstalled(f"{Path(words[0]).name} failed: {done.stdout.strip()[-_LONGEST:] or done.returncode}")


@dataclass(frozen=True)
class Machine:
    """The same, as it is handed in. `patience` is seconds for which the new version is waited for."""

    patience: float
    now: Callable[[], float] = time
    install: Callable[[Kind, Path], None] = install
    start: Callable[[], None] = start
    heard: Callable[[str], bool] = heard
    sync: Callable[[Path], None] = sync
    pause: Callable[[], None] = lambda: sleep(_LOOK_EVERY)
    passed: Callable[[], float] = monotonic

    def hears(self, version: str) -> bool:
        """Whether an agent of this version gets through to the controller in time."""
        until = self.passed() + self.patience
        while not self.heard(version):
            if self.passed() >= until:
                return False
            self.pause()
        return True
