"""What of an upgrade goes over the wire: what the controller signs, how it is offered, and what became of it.

Times are UTC seconds. The controller may import this module as it does the contract.
"""

import re
from typing import Annotated, Literal

import msgspec

UPGRADE = "2026-11-upgrade"
"""The feature of an agent on whose host root takes upgrades from this agent's controller."""
SIGNED_FOR = b"paas-agent upgrade 1\n"
"""Stands before what is signed: no certificate begins so, and the same key signs those."""
PACKAGES = "/apis/v1alpha1/agents/packages/"
"""Where a controller serves packages of the agent, by their SHA-256."""
LARGEST_PACKAGE = 1 << 29

Kind = Literal["deb", "rpm", "archive"]
State = Literal["fetching", "refused", "back", "done"]
Size = Annotated[int, msgspec.Meta(gt=0, le=LARGEST_PACKAGE)]
Digest = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class PackageFile(msgspec.Struct, kw_only=True, frozen=True):
    """One package. `machine` is as `uname -m` says it."""

    kind: Kind
    version: str
    machine: str
    size: Size
    sha256: Digest


class Manifest(msgspec.Struct, kw_only=True, frozen=True):
    """One upgrade of one host. The serial number grows: whoever has taken one takes none before it."""

    host: str
    serial: Annotated[int, msgspec.Meta(gt=0, le=2**53)]
    expires: float
    package: PackageFile
    former: PackageFile | None = None
    """That of the version to leave, for hosts that have not kept it themselves."""


class Offer(msgspec.Struct, kw_only=True, frozen=True):
    """A manifest as it was signed, in JSON, and the signature in base64: of the controller's CA, ECDSA with SHA-256."""

    manifest: Annotated[str, msgspec.Meta(max_length=4096)]
    signature: Annotated[str, msgspec.Meta(max_length=1024)]


class Upgraded(msgspec.Struct, kw_only=True, frozen=True):
    """What became of the upgrade with this serial number; for all that is not `done` a sentence says why."""

    serial: Annotated[int, msgspec.Meta(ge=0, le=2**53)]
    state: State
    message: Annotated[str, msgspec.Meta(max_length=2000)] = ""


def order_of(version: str) -> tuple[tuple[int, int | str], ...]:
    """Sorts versions by their numbers, so that 0.10 is newer than 0.9; what is no number comes before one, as in 1.0rc1
    and 1.0.1.
    """
    parts = re.findall(r"\d+|[a-z]+", version.lower())
    return tuple((1, int(part)) if part.isdecimal() else (0, part) for part in parts)


def status_of(version: str) -> str:
    """What an agent of this version tells systemd while its controller takes its reports. Root waits for it."""
    return f"version {version}: the controller takes its reports"
