"""Which packages of the agent there are: told by the names that `make package` gives them."""

import hashlib
from pathlib import Path

import pytest

from paas_controller.hosts.packages import Kind, newest, packages_in

NAMES = (
    "paas-agent_0.1.0_amd64.deb", "paas-agent_0.10.0_amd64.deb", "paas-agent_0.9.0_amd64.deb",
    "paas-agent_0.1.0_arm64.deb", "paas-agent-0.1.0-1.x86_64.rpm", "paas-agent-0.1.0-1.aarch64.rpm",
    "paas-agent-0.1.0-x86_64.tar.gz", "paas-agent-0.1.0.cdx.json", "paas_agent-0.1.0-py3-none-any.whl", "notes.txt",
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in NAMES:
        (tmp_path / name).write_text(name)
    return tmp_path


def test_all_packages_are_found_and_nothing_else(folder: Path) -> None:
    found = packages_in(folder)
    assert {package.path.name for package in found} == set(NAMES[:7])
    assert found[0].version == "0.10.0"


def test_a_folder_that_is_not_there_holds_none(tmp_path: Path) -> None:
    assert packages_in(tmp_path / "nowhere") == []


@pytest.mark.parametrize(
    ("kind", "machine", "version", "name"),
    [
        ("deb", "x86_64", "", "paas-agent_0.10.0_amd64.deb"),
        ("deb", "x86_64", "0.9.0", "paas-agent_0.9.0_amd64.deb"),
        ("deb", "aarch64", "", "paas-agent_0.1.0_arm64.deb"),
        ("rpm", "aarch64", "", "paas-agent-0.1.0-1.aarch64.rpm"),
        ("archive", "x86_64", "", "paas-agent-0.1.0-x86_64.tar.gz"),
    ],
)
def test_the_newest_that_fits_is_taken(folder: Path, kind: Kind, machine: str, version: str, name: str) -> None:
    found = newest(packages_in(folder), kind, machine, version)
    assert found
    assert found.path.name == name


def test_there_may_be_none_that_fits(folder: Path) -> None:
    assert newest(packages_in(folder), "archive", "riscv64") is None
    assert newest(packages_in(folder), "deb", "x86_64", "7.0") is None


@pytest.mark.parametrize(("older", "newer"), [("0.9.0", "0.10.0"), ("1.0rc1", "1.0.1"), ("1.0", "1.0.1")])
def test_versions_are_compared_by_their_numbers(tmp_path: Path, older: str, newer: str) -> None:
    for version in (newer, older):
        (tmp_path / f"paas-agent_{version}_amd64.deb").touch()
    assert [package.version for package in packages_in(tmp_path)] == [newer, older]


def test_a_package_is_known_by_its_hash(folder: Path) -> None:
    found = newest(packages_in(folder), "archive", "x86_64")
    assert found
    assert found.sha256() == hashlib.sha256(NAMES[6].encode()).hexdigest()
