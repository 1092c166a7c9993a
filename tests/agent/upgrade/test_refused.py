"""What root refuses, each with its sentence; nothing is changed then, and the order is gone."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from paas_agent import __version__
from paas_agent.manifest import Offer
from tests.agent.upgrade.conftest import NEW, NOW, OLD, STRANGER, Box, manifest, package, signed


def tampered(order: bytes) -> bytes:
    offer = msgspec.json.decode(order, type=Offer)
    return msgspec.json.encode(Offer(manifest=offer.manifest.replace("99.0", "98.0"), signature=offer.signature))


UNSIGNED = "this upgrade was not signed by this host's controller; if it was, as root join it again"
ORDERS: list[tuple[str, bytes, str]] = [
    ("no order", b"\x00", "this is no order to upgrade: "),
    ("unsigned", msgspec.json.encode(Offer(manifest="{}", signature="")), UNSIGNED),
    ("another CA", signed(manifest(), STRANGER), UNSIGNED),
    ("tampered", tampered(signed(manifest())), UNSIGNED),
    ("not base64", msgspec.json.encode(Offer(manifest="{}", signature="?")), "this is no order to upgrade: "),
    (
        "another host", signed(manifest(host="192.0.2.8:3335")),
        "this upgrade was signed for 192.0.2.8:3335, and this host is 192.0.2.7:3335",
    ),
    ("too late", signed(manifest(expires=NOW)), "this upgrade was signed too long ago: ask for it again; or "),
    ("another machine", signed(manifest(package=package(NEW, "99.0", machine="pdp11"))), "the package is for pdp11, "),
    (
        "another kind", signed(manifest(package=package(NEW, "99.0", kind="rpm"))),
        "the package is a rpm, and the agent was installed here as deb",
    ),
    (
        "no newer", signed(manifest(package=package(NEW, __version__))),
        f"version {__version__} is not newer than {__version__}, which is there",
    ),
    ("too large", b" " * 20_000, "the order in the spool is larger than 16384 bytes"),
]  # fmt: skip


@pytest.mark.parametrize(("order", "sentence"), [each[1:] for each in ORDERS], ids=[each[0] for each in ORDERS])
def test_an_order_that_does_not_fit_is_refused(box: Box, order: bytes, sentence: str) -> None:
    box.spool(order)
    refused(box, sentence)


def test_no_order_is_taken_where_nobody_said_whose(box: Box) -> None:
    (box.places.home / "anchor.json").unlink()
    box.spool(signed(manifest()))
    refused(box, "this host does not know whose upgrades to take: as root join it again")


def test_a_later_order_is_taken_after_a_refused_one(box: Box) -> None:
    box.spool(signed(manifest(), STRANGER))
    refused(box, UNSIGNED)
    box.spool(signed(manifest()))
    told = box.run()
    assert told
    assert told.state == "done"


def link(place: Path) -> None:
    place.symlink_to("/etc/passwd")


def hard_link(place: Path) -> None:
    (place.parent / "other").write_bytes(NEW)
    place.hardlink_to(place.parent / "other")


def listener(place: Path) -> None:
    os.chdir(place.parent)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(place.name)


PLACES: list[Callable[[Path], None]] = [link, hard_link, Path.mkdir, os.mkfifo, listener]


@pytest.mark.parametrize("name", ["order", "package", "former"])
@pytest.mark.parametrize("put", PLACES, ids=lambda put: str(put.__name__))
def test_only_plain_files_are_taken(
    box: Box, name: str, put: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    box.spool(signed(manifest()))
    (box.places.spool / name).unlink()
    put(box.places.spool / name)
    refused(box, f"{name} in the spool ")


def test_a_spool_that_leads_elsewhere_is_refused_and_nothing_there_is_touched(box: Box, tmp_path: Path) -> None:
    elsewhere = tmp_path / "etc"
    elsewhere.mkdir()
    (elsewhere / "order").write_bytes(signed(manifest()))
    box.places.spool.symlink_to(elsewhere)
    refused(box, f"the spool {box.places.spool} is no folder: ")
    assert (elsewhere / "order").exists()
    assert not box.places.spool.is_symlink()


@pytest.mark.parametrize("content", [NEW[:-1], NEW + b"!", NEW.upper(), b""])
def test_a_package_that_is_not_the_signed_one_is_refused(box: Box, content: bytes) -> None:
    box.spool(signed(manifest()), content)
    refused(box, "the package of version 99.0 in the spool is not the one that was signed")


def test_a_former_package_that_is_not_the_signed_one_is_refused(box: Box) -> None:
    box.spool(signed(manifest()), old=OLD.upper())
    refused(box, f"the package of version {__version__} in the spool is not the one that was signed")


def refused(box: Box, sentence: str) -> None:
    told = box.run()
    assert told
    assert told.state == "refused"
    assert told.message.startswith(sentence)
    assert box.installed == []
    assert not os.path.lexists(box.places.spool / "order")
    assert not list(box.places.work.glob("*.part"))
