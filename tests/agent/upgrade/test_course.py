"""The course of an upgrade as root: installed and kept, or as it was before, whatever happens in the middle."""

import errno
from pathlib import Path

import pytest

from paas_agent.journal import write_whole
from paas_agent.manifest import Upgraded
from paas_agent.upgrade.machine import NotInstalled
from tests.agent.upgrade.conftest import NEW, OLD, Box, PowerLoss, manifest, package, signed


def test_a_signed_upgrade_is_installed_and_kept_for_the_next_one(box: Box) -> None:
    box.spool(signed(manifest()))
    assert box.run() == Upgraded(serial=5, state="done")
    assert box.installed == [NEW]
    assert [kept.name for kept in box.places.work.glob("kept-*")] == ["kept-deb-99.0"]
    assert box.places.kept("deb", "99.0").read_bytes() == NEW
    assert not (box.places.spool / "order").exists()


def test_what_was_kept_is_gone_back_to_and_nobody_need_bring_it(box: Box) -> None:
    box.places.work.mkdir()
    box.places.kept("deb", "0.1.0").write_bytes(b"kept by root")
    box.silent = True
    box.spool(signed(manifest(former=None)), old=None)
    told = box.run()
    assert told
    assert told.state == "back"
    assert box.installed == [NEW, b"kept by root"]


def test_a_version_that_is_not_heard_goes_back(box: Box) -> None:
    box.silent = True
    box.spool(signed(manifest()))
    told = box.run()
    assert told
    why = "the controller took no report of version 99.0 within 3 s; version 0.1.0 was put back"
    assert (told.serial, told.state, told.message) == (5, "back", why)
    assert box.installed == [NEW, OLD]


def test_a_package_that_cannot_be_installed_goes_back(box: Box) -> None:
    box.breaks.add(NEW)
    box.spool(signed(manifest()))
    told = box.run()
    assert told
    assert told.message == "dpkg failed: no; version 0.1.0 was put back"
    assert box.installed == [NEW, OLD]


def test_what_cannot_be_put_back_yet_is_told_and_its_cause_is_not_lost(box: Box) -> None:
    box.breaks |= {NEW, OLD}
    box.spool(signed(manifest()))
    with pytest.raises(NotInstalled):
        box.run()
    told = box.places.told()
    why = "dpkg failed: no; version 0.1.0 cannot be put back yet, which is tried again and again: dpkg failed: no"
    assert told
    assert (told[1].state, told[1].message) == ("fetching", why)
    box.breaks.clear()
    assert box.run() == Upgraded(serial=5, state="back", message="dpkg failed: no; version 0.1.0 was put back")


def test_a_full_disk_does_not_keep_the_former_version_away(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(path: Path, data: bytes) -> None:
        if b'"why":"dpkg' in data:
            raise OSError(errno.ENOSPC, "No space left on device")
        write_whole(path, data)

    monkeypatch.setattr("paas_agent.upgrade.course.write_whole", write)
    box.breaks.add(NEW)
    box.spool(signed(manifest()))
    assert box.run() == Upgraded(serial=5, state="back", message="dpkg failed: no; version 0.1.0 was put back")
    assert box.installed == [NEW, OLD]


@pytest.mark.parametrize("moment", ["installing", "waiting"])
def test_after_a_power_loss_the_former_version_is_put_back(box: Box, moment: str) -> None:
    box.dies = moment
    box.spool(signed(manifest()))
    with pytest.raises(PowerLoss):
        box.run()
    box.dies = ""
    told = box.run()
    assert told
    assert (told.state, told.message) == ("back", "the upgrade was cut off; version 0.1.0 was put back")
    assert box.installed == [NEW, OLD]
    assert not box.places.pending.exists()


def test_what_was_heard_before_a_power_loss_stays(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(*_: object) -> None:
        raise PowerLoss

    box.spool(signed(manifest()))
    with monkeypatch.context() as patched:
        patched.setattr("paas_agent.upgrade.course._settle", dies)
        with pytest.raises(PowerLoss):
            box.run()
    assert box.run() == Upgraded(serial=5, state="done")
    assert box.installed == [NEW]
    assert box.places.kept("deb", "99.0").read_bytes() == NEW


def test_going_back_is_tried_until_it_is_done(box: Box) -> None:
    box.breaks |= {NEW, OLD}
    box.spool(signed(manifest()))
    with pytest.raises(Exception, match="dpkg failed"):
        box.run()
    box.breaks.clear()
    told = box.run()
    assert told
    assert told.state == "back"
    assert box.installed == [NEW, OLD, OLD]


def test_the_same_order_again_is_the_same_upgrade(box: Box) -> None:
    box.spool(signed(manifest()))
    done = box.run()
    box.spool(signed(manifest()))
    assert box.run() == done
    assert box.installed == [NEW]


def test_an_order_older_than_one_that_was_taken_is_refused(box: Box) -> None:
    older = signed(manifest(serial=4, package=package(b"older", "98.0")))
    box.spool(signed(manifest()))
    box.run()
    box.spool(older, b"older")
    told = box.run()
    assert told
    assert told.message == "this upgrade is older than one that this host has taken already"
    assert box.installed == [NEW]


def test_without_an_order_nothing_happens(box: Box) -> None:
    box.places.spool.mkdir()
    assert box.run() is None


def test_an_upgrade_that_could_never_be_taken_back_is_refused(box: Box) -> None:
    for other in ({"former": None}, {"former": package(OLD, "0.0.1")}):
        box.spool(signed(manifest(**other)))
        told = box.run()
        assert told
        assert told.message.startswith("the package of version 0.1.0 is missing")
    assert box.installed == []
