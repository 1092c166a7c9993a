"""What the agent tells of its host."""

import os
import socket
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from paas_agent import host
from paas_agent.contract import Disk


def mounted(monkeypatch: pytest.MonkeyPatch, *parts: Sequence[str]) -> None:
    """These are mounted: device, mount point, kind of file system."""
    known = [SimpleNamespace(device=device, mountpoint=point, fstype=kind) for device, point, kind in parts]
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: [] if all else known)


def test_each_disk_is_told_once_and_those_that_are_always_full_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = ("/dev/vda", str(tmp_path), "ext4")
    file = ("/dev/vda", "/etc/passwd", "ext4")
    mounted(monkeypatch, file, here, ("/dev/vda", "/run", "ext4"), ("/dev/loop0", "/usr", "squashfs"))
    [disk] = host.disks()
    assert (disk.mount, disk.total) == (str(tmp_path), psutil.disk_usage(str(tmp_path)).total)
    assert 0 <= disk.free <= disk.total


def test_a_disk_that_was_pulled_meanwhile_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounted(monkeypatch, ("/dev/sdb", "/nowhere/at/all", "xfs"), ("/dev/vda", str(tmp_path), "ext4"))
    assert [disk.mount for disk in host.disks()] == [str(tmp_path)]


def test_of_a_thousand_disks_some_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounted(monkeypatch, *((f"/dev/sd{number}", str(tmp_path), "ext4") for number in range(1000)))
    _, disks = host.told(tmp_path)
    assert len(disks) == 32
    assert all(isinstance(disk, Disk) for disk in disks)


def test_the_name_of_a_host_is_told_as_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: os.fsdecode(b"h\xf6st"))
    assert host.facts(tmp_path)["hostname"] == "h?st"
