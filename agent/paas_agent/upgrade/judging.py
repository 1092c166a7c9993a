"""Whether an order is one that root may follow. Pure: what is known of the host is handed in."""

import base64
from dataclasses import dataclass

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from paas_agent.manifest import SIGNED_FOR, Kind, Manifest, Offer, PackageFile, order_of
from paas_agent.upgrade.places import Anchor
from paas_agent.upgrade.spool import NotTaken

_offer, _manifest = msgspec.json.Decoder(Offer), msgspec.json.Decoder(Manifest)
_AGAIN = "as root join it again with paas-agent join"


@dataclass(frozen=True, slots=True)
class Here:
    """What root knows of the host by itself. `serial` is that of the last upgrade it took; `now` is UTC seconds."""

    anchor: Anchor | None
    serial: int
    version: str
    kind: Kind | None
    machine: str
    now: float


def serial_of(order: bytes) -> int:
    """What it says, whether that is true or not; 0 where it says nothing."""
    try:
        return _manifest.decode(_offer.decode(order).manifest).serial
    except msgspec.DecodeError:
        return 0


def judged(order: bytes, here: Here) -> Manifest | None:
    """What was signed, when everything fits; None where it was taken before. Raises NotTaken."""
    if here.anchor is None:
        raise NotTaken(f"this host does not know whose upgrades to take: {_AGAIN}")
    manifest = _signed(order, here.anchor)
    if manifest.host != here.anchor.host:
        raise NotTaken(f"this upgrade was signed for {manifest.host}, and this host is {here.anchor.host}")
    if manifest.serial == here.serial:
        return None
    if manifest.serial < here.serial:
        raise NotTaken("this upgrade is older than one that this host has taken already")
    if manifest.expires <= here.now:
        raise NotTaken("this upgrade was signed too long ago: ask for it again; or this host's clock is wrong: set it")
    _fits(manifest.package, here)
    return manifest


def _signed(order: bytes, anchor: Anchor) -> Manifest:
    try:
        offer = _offer.decode(order)
        signature = base64.b64decode(offer.signature, validate=True)
        key = x509.load_pem_x509_certificate(anchor.ca.encode()).public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise NotTaken(f"what this host knows the controller by is no certificate of a controller: {_AGAIN}")
        key.verify(signature, SIGNED_FOR + offer.manifest.encode(), ec.ECDSA(SHA256()))
        return _manifest.decode(offer.manifest)
    except InvalidSignature:
        raise NotTaken(f"this upgrade was not signed by this host's controller; if it was, {_AGAIN}") from None
    except ValueError as error:  # what msgspec raises is one as well
        raise NotTaken(f"this is no order to upgrade: {error}") from None


def _fits(package: PackageFile, here: Here) -> None:
    if package.machine != here.machine:
        raise NotTaken(f"the package is for {package.machine}, and this host is {here.machine}")
    if package.kind != here.kind:
        raise NotTaken(f"the package is a {package.kind}, and the agent was installed here as {here.kind or 'none'}")
    if order_of(package.version) <= order_of(here.version):
        raise NotTaken(f"version {package.version} is not newer than {here.version}, which is there")
