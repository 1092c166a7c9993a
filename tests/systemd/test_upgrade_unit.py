"""Root's part of upgrades, before the judges that Debian has for units."""

import shutil
from pathlib import Path

from tests.systemd.conftest import ROOT, SYSTEM
from tests.systemd.test_units import analyze, service

UNITS = ("paas-agent-upgrade.service", "paas-agent-upgrade.path")


def test_systemd_accepts_the_units(root: Path) -> None:
    for unit in UNITS:
        shutil.copy(ROOT / "systemd" / unit, root / SYSTEM)
    verified = analyze("verify", f"--root={root}", "--man=no", *UNITS)
    assert verified.stderr == ""


def test_it_reaches_no_network_and_can_do_little_more_than_write_files() -> None:
    judged = analyze("security", "--offline=yes", "--threshold=20", ROOT / "systemd" / UNITS[0])
    assert judged.returncode == 0, judged.stdout
    assert service("paas-agent-upgrade")["PrivateNetwork"] == "yes"


def test_it_runs_from_a_copy_and_is_tried_until_it_is_done() -> None:
    unit = service("paas-agent-upgrade")
    assert "exec program/paas-agent upgrade-apply" in unit["ExecStart"]
    assert unit["Restart"] == "on-failure"
