"""The real systemd-analyze, and a root with the units in it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SYSTEM = Path("usr/lib/systemd/system")
PROGRAMS = ("paas-agent", "paas-controller")
UNITS = sorted(file.name for kind in ("path", "service") for file in (ROOT / "systemd").glob(f"*.{kind}"))


@pytest.fixture(scope="session", autouse=True)
def systemd() -> None:
    """Installs Debian's systemd where it is missing; where it was not there it is not init, so nothing starts."""
    if shutil.which("systemd-analyze"):
        return
    if os.getuid() != 0 or not shutil.which("apt-get"):
        pytest.fail("systemd-analyze is missing; as root: apt-get install systemd")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in ("update", "install -y --no-install-recommends systemd"):
        subprocess.run(["apt-get", "-qq", *command.split()], check=True, env=environment, stdout=subprocess.DEVNULL)


@pytest.fixture
def root(tmp_path: Path, systemd: None) -> Path:
    """A root folder with systemd's own units, ours, and programs of our names."""
    shutil.copytree("/" / SYSTEM, tmp_path / SYSTEM, symlinks=True)
    (tmp_path / "usr" / "bin").mkdir()
    (tmp_path / "bin").symlink_to("usr/bin")
    for unit in UNITS:
        shutil.copy(ROOT / "systemd" / unit, tmp_path / SYSTEM)
    for program in (*PROGRAMS, "sh"):
        shutil.copy("/bin/true", tmp_path / "usr" / "bin" / program)
    return tmp_path
