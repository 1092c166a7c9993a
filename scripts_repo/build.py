"""Builds the scripts repository: `python -m scripts_repo.build` puts every software's scripts, package and SHA256SUMS
into dist/repo/<software>/<version>/, ready to be served by any web server.

What a recipe made is kept in the user's cache, named after the recipe's own text; the downloads beside it are apt's.
Software without a recipe is served with the vendor's archives that people have put into its folder.
"""

import argparse
import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).parent
SCRIPTS = ("install.sh", "start.sh", "stop.sh", "restart.sh", "check.sh", "uninstall.sh")
_READS_IN = re.compile(r'^(?:# shellcheck source=.*\n)?\. "\$\{0%/\*\}/(\S+)"\n', re.MULTILINE)


class BuildError(Exception):
    """A sentence for the person who builds."""


@dataclass(frozen=True)
class Software:
    """One folder of the repository."""

    name: str
    version: str
    folder: Path

    @property
    def package(self) -> str:
        return f"{self.name}-{self.version}.tar.gz"

    @property
    def recipe(self) -> Path:
        return self.folder / "package"


def softwares(source: Path, only: str = "") -> list[Software]:
    """All folders with scripts, or those of one software: `redis` or `redis/7.0`."""
    found = [Software(p.parent.parent.name, p.parent.name, p.parent) for p in sorted(source.glob("*/*/install.sh"))]
    if not only:
        return found
    chosen = [software for software in found if only in (software.name, f"{software.name}/{software.version}")]
    if not chosen:
        names = ", ".join(f"{software.name}/{software.version}" for software in found)
        raise BuildError(f"there is no {only} in the scripts repository; there are: {names}")
    return chosen


def whole(script: Path) -> str:
    """The script as one file: each line that reads in a shared file is replaced by that file."""
    return _READS_IN.sub(lambda line: whole(script.parent / line[1]), script.read_text())


def cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "paas-operator"


def packages_of(software: Software, cache: Path) -> dict[Path, str]:
    """What can be installed, each with its SHA-256: the recipe's package, or what people have brought."""
    if not software.recipe.exists():
        return {archive: _sha256(archive) for archive in sorted(software.folder.glob("*.tar.*"))}
    package = _package_of(software, cache)
    return {package: package.with_suffix(".sha256").read_text()}


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _package_of(software: Software, cache: Path) -> Path:
    """The package, from the cache or made now. BuildError carries the recipe's own last words."""
    text = software.recipe.read_bytes() + (software.folder.parent.parent / "debian.sh").read_bytes()
    key = hashlib.sha256(text + platform.machine().encode()).hexdigest()[:16]
    package = cache / "packages" / f"{key}-{software.name}-{software.version}" / software.package
    if not package.exists():
        _make(software.recipe, package, cache)
    return package


def _make(recipe: Path, package: Path, cache: Path) -> None:
    print(f"{package.name}: making it from Debian's packages", flush=True)
    with tempfile.TemporaryDirectory(prefix="making-", dir=cache) as folder:
        done = subprocess.run(  # noqa: S603 - a recipe of this repository
            [recipe, folder], env=os.environ | {"TMPDIR": folder}, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            words = done.stderr.strip().splitlines() or [f"the recipe ended with {done.returncode}"]
            raise BuildError(words[-1])
        made = Path(folder) / package.name
        package.parent.mkdir(parents=True, exist_ok=True)
        package.with_suffix(".sha256").write_text(_sha256(made))
        made.replace(package)


def publish(software: Software, packages: dict[Path, str], repo: Path) -> bool:
    """Puts the finished folder in its place in one step; False if the one that is there is the same already."""
    texts = {name: whole(software.folder / name).encode() for name in SCRIPTS}
    texts["README.md"] = (software.folder / "README.md").read_bytes()
    sums = {name: hashlib.sha256(text).hexdigest() for name, text in texts.items()}
    sums |= {package.name: digest for package, digest in packages.items()}
    texts["SHA256SUMS"] = "".join(f"{sums[name]}  {name}\n" for name in sorted(sums)).encode()
    target = repo / software.name / software.version
    if _holds(target, texts, packages):
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".making-", dir=target.parent) as folder:
        made = Path(folder) / "made"
        made.mkdir()
        for name, text in texts.items():
            (made / name).write_bytes(text)
            (made / name).chmod(0o755 if name.endswith(".sh") else 0o644)
        for package in packages:
            shutil.copyfile(package, made / package.name)
        if target.exists():
            target.rename(Path(folder) / "before")
        made.rename(target)
    return True


def _holds(target: Path, texts: dict[str, bytes], packages: dict[Path, str]) -> bool:
    try:
        same = all((target / name).read_bytes() == text for name, text in texts.items())
        return same and all((target / one.name).stat().st_size == one.stat().st_size for one in packages)
    except FileNotFoundError:
        return False


@contextmanager
def locked(cache: Path) -> Iterator[None]:
    """Holds the cache for this builder alone, and clears what a killed one left half made."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in cache.glob("making-*"):
            shutil.rmtree(left)
        yield


def build(source: Path, repo: Path, cache: Path, only: str = "") -> None:
    """Builds what is missing or has changed, and prints a line for each software. BuildError says what is wrong."""
    with locked(cache):
        for software in softwares(source, only):
            changed = publish(software, packages_of(software, cache), repo)
            target = repo / software.name / software.version
            print(f"{software.name} {software.version}: {target}{'' if changed else ' is up to date'}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts_repo.build", description="Build packages and checksums.")
    parser.add_argument("--only", default="", metavar="SOFTWARE", help="one software, as redis or redis/7.0")
    parser.add_argument("--to", type=Path, default=SOURCE.parent / "dist" / "repo", metavar="FOLDER")
    arguments = parser.parse_args()
    try:
        build(SOURCE, arguments.to, cache_folder(), arguments.only)
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{error.filename} cannot be used: {error.strerror}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
