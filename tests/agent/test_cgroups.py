"""Which group the agent has for its instances, and that those of nobody go. A real systemd is in tests/packaging."""

from pathlib import Path

import pytest

from paas_agent.cgroups import delegated, group_of, tidy


def unit(root: Path, line: str) -> Path | None:
    own = root / "own"
    own.write_text(f"12:pids:/\n{line}\n")
    return delegated(root, own)


def test_the_unit_of_the_agent_has_groups_below_it(tmp_path: Path) -> None:
    group = tmp_path / "system.slice" / "paas-agent.service"
    group.mkdir(parents=True)
    (group / "cgroup.procs").touch()
    assert unit(tmp_path, "0::/system.slice/paas-agent.service") == group
    assert group_of(group, "database", "db") == f"{group}/database:db"


@pytest.mark.parametrize("line", ["0::/user.slice/session-1.scope", "0::/", "1:name=systemd:/system.slice/a.service"])
def test_elsewhere_there_are_none(tmp_path: Path, line: str) -> None:
    assert unit(tmp_path, line) is None
    assert group_of(None, "database", "db") == ""


def test_groups_that_nobody_is_in_go(tmp_path: Path) -> None:
    (tmp_path / "database:gone").mkdir()
    (tmp_path / "database:there").mkdir()
    (tmp_path / "database:there" / "cgroup.procs").touch()
    (tmp_path / "another").mkdir()
    tidy(tmp_path)
    tidy(None)
    assert {path.name for path in tmp_path.iterdir()} == {"database:there", "another"}
