"""The unit files, before the judges that Debian has for them."""

import configparser
import subprocess
from pathlib import Path

import pytest

from tests.systemd.conftest import PROGRAMS, ROOT, SYSTEM, UNITS


def service(program: str) -> configparser.SectionProxy:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.read(ROOT / "systemd" / f"{program}.service")
    return unit["Service"]


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = ["systemd-analyze", "--no-pager", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


def verify(root: Path, unit: str) -> str:
    """What systemd has against the unit."""
    return analyze("verify", f"--root={root}", "--man=no", unit).stderr


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_accepts_the_unit(root: Path, unit: str) -> None:
    assert verify(root, unit) == ""


@pytest.mark.parametrize("program", PROGRAMS)
def test_systemd_would_say_what_is_wrong(root: Path, program: str) -> None:
    (root / "usr" / "bin" / program).unlink()
    with (root / SYSTEM / f"{program}.service").open("a") as unit:
        unit.write("[Service]\nRestrat=always\n")
    said = verify(root, f"{program}.service")
    assert "Restrat" in said
    assert f"/usr/bin/{program} is not executable" in said


def test_the_controller_can_do_little_harm() -> None:
    tenths = 20
    unit = ROOT / "systemd" / "paas-controller.service"
    judged = analyze("security", "--offline=yes", f"--threshold={tenths}", unit)
    assert judged.returncode == 0, judged.stdout
    assert "Overall exposure level" in judged.stdout


def test_services_outlive_the_agent() -> None:
    unit = service("paas-agent")
    assert (unit["KillMode"], unit["OOMPolicy"], unit["Delegate"]) == ("process", "continue", "yes")
    assert unit["TasksMax"] == "infinity"
    assert "DynamicUser" not in unit


def test_the_agents_user_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    with (ROOT / "systemd" / "paas-agent.sysusers").open() as users:
        subprocess.run(["systemd-sysusers", f"--root={tmp_path}", "-"], check=True, stdin=users, capture_output=True)
    name = (tmp_path / "etc" / "passwd").read_text().partition(":")[0]
    assert name == service("paas-agent")["User"]
