"""The wheels of this checkout, and empty virtual environments to put them in."""

import hashlib
import os
import re
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECTS = ("agent", "controller", "client")
NEWER = "0.99.0"


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the three wheels as they are in the working tree."""
    folder = tmp_path_factory.mktemp("wheels")
    subprocess.run([ROOT / "packaging" / "wheels", folder], check=True, stdout=subprocess.DEVNULL)
    return folder


@pytest.fixture(scope="session")
def newer_packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with those of a later version."""
    folder = tmp_path_factory.mktemp("newer")
    version = clone_to(folder / "main") / "agent" / "paas_agent" / "__init__.py"
    version.write_text(re.sub('(__version__ = ").*"', rf'\g<1>{NEWER}"', version.read_text()))
    return packages_of(folder / "main", folder / "packages")


def clone_to(clone: Path, umask: int = 0o022, source: Path = ROOT) -> Path:
    """The last commit, in another place."""
    subprocess.run(["git", "clone", "--quiet", source, clone], check=True, umask=umask)
    (clone / ".venv").symlink_to(ROOT / ".venv")
    return clone


def packages_of(
    checkout: Path, target: Path, umask: int = 0o022, within: Sequence[str] = (), **environment: str
) -> Path:
    """Where the agent's packages of this checkout are now; built by the command that they are given to `within`."""
    build = [*within, checkout / "packaging" / "packages", target]
    done = subprocess.run(build, umask=umask, env=os.environ | environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture(scope="session")
def dependencies(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all that the wheels need, in the versions that are pinned; fetched once for each set of pins."""
    pins = (ROOT / "constraints.txt").read_text()
    asked = "".join((ROOT / project / "pyproject.toml").read_text() for project in PROJECTS)
    key = hashlib.sha256(f"{pins}{asked}{sys.version}".encode()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "paas-operator" / "wheels"
    folder = cache / key
    if not folder.exists():
        # Wheels just built have no pinned hash, and pip wants one of all or of none: the versions alone are given.
        versions = tmp_path_factory.mktemp("pins") / "versions.txt"
        versions.write_text("".join(f"{pin}\n" for pin in re.findall(r"^\S+==\S+", pins, re.MULTILINE)))
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix=".fetching-") as scratch:
            fetched = Path(scratch) / "fetched"
            pip("download", "--only-binary=:all:", "-c", versions, "-d", fetched, *wheels.glob("*.whl"))
            for own in fetched.glob("paas_*.whl"):
                own.unlink()
            fetched.rename(folder)
    return folder


@pytest.fixture(scope="session")
def installed(wheels: Path, dependencies: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A function that puts one wheel and what it asks for into an empty environment; answers with its bin folder."""
    made: dict[str, Path] = {}

    def install(name: str) -> Path:
        if name not in made:
            home = tmp_path_factory.mktemp(name)
            venv.create(home, symlinks=True)
            places = (f"--find-links={wheels}", f"--find-links={dependencies}")
            pip("--python", home / "bin" / "python", "install", "--no-index", "--no-compile", *places, name)
            made[name] = home / "bin"
        return made[name]

    return install


def pip(*arguments: str | Path) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
