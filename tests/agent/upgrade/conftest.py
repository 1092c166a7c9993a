"""A host on which root takes upgrades, in folders of the test's own, and a controller that signs them."""

import base64
import hashlib
import platform
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from paas_agent import __version__
from paas_agent.manifest import SIGNED_FOR, Kind, Manifest, Offer, PackageFile, Upgraded
from paas_agent.upgrade import course
from paas_agent.upgrade.machine import Machine, NotInstalled
from paas_agent.upgrade.places import Anchor, Places
from paas_controller.hosts.trust.authority import Authority

NOW = 1_000_000.0
HOST = "192.0.2.7:3335"
NEW, OLD = b"the new package", b"the old package"
SIGNER, STRANGER = Authority.made(NOW), Authority.made(NOW)


def package(content: bytes, version: str, **other: Any) -> PackageFile:
    said: dict[str, Any] = {"kind": "deb", "version": version, "machine": platform.machine(), "size": len(content)}
    return PackageFile(**said | {"sha256": hashlib.sha256(content).hexdigest()} | other)


def manifest(**other: Any) -> Manifest:
    said: dict[str, Any] = {"host": HOST, "serial": 5, "expires": NOW + 60, "package": package(NEW, "99.0")}
    return Manifest(**said | {"former": package(OLD, __version__)} | other)


def signed(what: Manifest, by: Authority = SIGNER) -> bytes:
    text = msgspec.json.encode(what)
    signature = base64.b64encode(by.key.sign(SIGNED_FOR + text, ec.ECDSA(SHA256()))).decode()
    return msgspec.json.encode(Offer(manifest=text.decode(), signature=signature))


class PowerLoss(BaseException):
    """Nothing more happens in this run."""


@dataclass
class Box:
    """What root does is written down. `breaks` are contents that cannot be installed, `silent` whether the new version
    is never heard, `dies` the moment at which the power fails."""

    places: Places
    installed: list[bytes] = field(default_factory=list)
    breaks: set[bytes] = field(default_factory=set)
    silent: bool = False
    dies: str = ""
    passed: float = 0.0

    def spool(self, order: bytes, new: bytes = NEW, old: bytes | None = OLD) -> None:
        """As the agent leaves it there."""
        self.places.spool.mkdir(exist_ok=True)
        (self.places.spool / "package").write_bytes(new)
        if old is not None:
            (self.places.spool / "former").write_bytes(old)
        (self.places.spool / "order").write_bytes(order)

    def run(self) -> Upgraded | None:
        """One run of root's program; what it told last."""
        machine = Machine(
            3.0, lambda: NOW, self._install, lambda: None, self._heard, lambda _: None, self._pause, lambda: self.passed
        )
        course.apply(self.places, machine)
        told = self.places.told()
        return told[1] if told else None

    def _install(self, kind: Kind, file: Path) -> None:
        content = file.read_bytes()
        self.installed.append(content)
        if self.dies == "installing":
            raise PowerLoss
        if content in self.breaks:
            raise NotInstalled("dpkg failed: no")

    def _heard(self, version: str) -> bool:
        assert version == "99.0"
        if self.dies == "waiting":
            raise PowerLoss
        return not self.silent

    def _pause(self) -> None:
        self.passed += 1


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Box:
    monkeypatch.setattr(course, "installed_as", lambda: "deb")
    places = Places(tmp_path / "agent" / "upgrade", tmp_path / "root")
    places.spool.parent.mkdir()
    places.trust(Anchor(host=HOST, ca=SIGNER.text))
    return Box(places)
