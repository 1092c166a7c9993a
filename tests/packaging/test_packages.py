"""The agent's packages: what is in them, on which hosts it runs, and that the same commit gives the same bytes."""

import json
import os
import re
import subprocess
from importlib.metadata import packages_distributions
from pathlib import Path

from PyInstaller.archive.readers import CArchiveReader

from tests.packaging.conftest import ROOT, clone_to, packages_of
from tests.testbeds.account import command_as

OLDEST_GLIBC = (2, 31)
_OWNERS = packages_distributions()
"""The names of the libraries that a module is of."""
_ELSEWHERE = ("unshare", "--uts", "sh", "-euc", 'hostname elsewhere && exec "$@"', "elsewhere")


def listed(packages: Path) -> list[str]:
    """What the deb puts on a host, a line each as tar lists it."""
    [deb] = packages.glob("*.deb")
    return subprocess.run(["dpkg-deb", "-c", deb], capture_output=True, text=True, check=True).stdout.splitlines()


def cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def test_there_is_one_for_each_kind_of_host_and_a_list_of_what_is_in_them(packages: Path) -> None:
    suffixes = sorted(file.name.rpartition("paas-agent")[2][1:] for file in packages.iterdir())
    assert [re.sub(r"^[\d.]+\d", "", suffix) for suffix in suffixes] == [
        *("-1.x86_64.rpm", "-x86_64.tar.gz", ".cdx.json", "_amd64.deb"),
    ]


def test_all_belongs_to_root_and_nobody_else_may_write_it(packages: Path) -> None:
    for line in listed(packages):
        mode, owner = line.split()[:2]
        assert owner in ("root/root", "0/0"), line
        assert mode.startswith("l") or (mode[5], mode[8]) == ("-", "-"), line


def test_the_same_commit_gives_the_same_bytes_and_former_recipes_go(packages: Path, tmp_path: Path) -> None:
    commit = clone_to(tmp_path / "main")
    here = packages_of(commit, tmp_path / "here")  # with what the cache has since the last change
    elsewhere = built_anew(commit, tmp_path / "elsewhere")
    assert len(list(here.iterdir())) == 4
    for file in here.iterdir():
        assert file.read_bytes() == (elsewhere / file.name).read_bytes(), file.name


def built_anew(commit: Path, home: Path) -> Path:
    """The packages of that commit, by another home, umask and name of the host, from nothing but the freezer."""
    (home / "cache" / "paas-operator").mkdir(parents=True)
    for tree in (cache() / "paas-operator").glob("freezer-*"):
        (home / "cache" / "paas-operator" / tree.name).symlink_to(tree)
    for age, former in enumerate(former_recipes(home / "cache")):
        former.mkdir()
        os.utime(former, (-age, -age))
    own = {"XDG_CACHE_HOME": str(home / "cache"), "UV_CACHE_DIR": str(cache() / "uv")}
    target = packages_of(clone_to(home / "main", 0o077, commit), home / "packages", 0o077, _ELSEWHERE, **own)
    kept = [former.name for former in former_recipes(home / "cache") if former.exists()]
    assert kept == ["freezer-0", "freezer-1", "frozen-0", "frozen-1", "frozen-2"]
    return target


def former_recipes(home: Path) -> list[Path]:
    """What they might have left in the cache, of each kind the youngest first."""
    return [home / "paas-operator" / f"{kind}-{number}" for kind in ("freezer", "frozen") for number in range(5)]


def test_the_frozen_agent_asks_for_no_newer_glibc_than_is_stated(packages: Path, tmp_path: Path) -> None:
    [deb] = packages.glob("*.deb")
    subprocess.run(["dpkg-deb", "-x", deb, tmp_path], check=True)
    asked: set[tuple[int, ...]] = set()
    for file in (tmp_path / "usr" / "lib" / "paas-agent").rglob("*"):
        if file.is_file() and not file.is_symlink():
            found = re.findall(rb"GLIBC_(\d+)\.(\d+)", file.read_bytes())
            asked |= {(int(major), int(minor)) for major, minor in found}
    assert max(asked) <= OLDEST_GLIBC
    said = (ROOT / "docs" / "operations.md").read_text()
    assert f"glibc {'.'.join(map(str, OLDEST_GLIBC))}" in said


def test_what_is_listed_is_what_is_pinned_and_inside(packages: Path, tmp_path: Path) -> None:
    [listing], [deb] = packages.glob("*.cdx.json"), packages.glob("*.deb")
    bom = json.loads(listing.read_bytes())
    pins = set(re.findall(r"^(\S+)==(\S+)", (ROOT / "constraints.txt").read_text(), re.MULTILINE))
    libraries = {(each["name"], each["version"]) for each in bom["components"] if "pypi" in each["purl"]}
    assert (bom["bomFormat"], bom["specVersion"]) == ("CycloneDX", "1.6")
    assert libraries <= pins
    subprocess.run(["dpkg-deb", "-x", deb, tmp_path], check=True)
    modules = _modules(tmp_path / "usr" / "lib" / "paas-agent")
    inside = {_normal(name) for module in modules for name in _OWNERS.get(module, ())}
    assert inside | {"pyinstaller"} == {name for name, _ in libraries}
    others = {each["name"] for each in bom["components"]} - {name for name, _ in libraries}
    assert {"python3.11", "openssl", "pyo3"} <= others
    assert len({each["version"] for each in bom["components"] if each["name"] == "openssl"}) > 1


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _modules(frozen: Path) -> set[str]:
    """The topmost modules in the program's archive, and the folders beside it."""
    archive = CArchiveReader(str(frozen / "paas-agent"))
    within = archive.open_embedded_archive("PYZ.pyz").toc
    return {name.partition(".")[0] for name in within} | {
        each.name.partition(".")[0] for each in (frozen / "lib").iterdir()
    }


def test_whoever_is_not_root_is_told() -> None:
    build = command_as("nobody", [str(ROOT / "packaging" / "agent" / "freeze.sh"), "/tmp/frozen"])
    done = subprocess.run(build, env=os.environ | {"HOME": "/tmp"}, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "run this as root" in done.stderr
