"""The course of one upgrade, as root: taken, judged, installed, kept or taken back. Whatever cuts it off, the next run
ends it: `pending.json` stands from before the first change until after the last.
"""

import logging
import platform
from contextlib import suppress

import msgspec

from paas_agent import __version__
from paas_agent.journal import write_whole
from paas_agent.manifest import Manifest, PackageFile, Upgraded
from paas_agent.upgrade.judging import Here, judged, serial_of
from paas_agent.upgrade.machine import Machine, NotInstalled
from paas_agent.upgrade.places import Places, installed_as
from paas_agent.upgrade.spool import FORMER, ORDER, PACKAGE, NotTaken, copied, has, opened, taken_order

log = logging.getLogger(__name__)


class Pending(msgspec.Struct, kw_only=True, frozen=True):
    """What is under way. `former` is the version to go back to; `heard`: the new one is there to stay."""

    serial: int
    package: PackageFile
    former: str
    heard: bool = False
    why: str = ""
    """What went wrong, so that it is known when going back is cut off or fails as well."""


def apply(places: Places, machine: Machine) -> None:
    """Ends what a former run has begun, else does what the spool says. NotInstalled, OSError: run it again."""
    places.work.mkdir(mode=0o700, parents=True, exist_ok=True)
    if pending := _pending(places):
        if pending.heard:
            return _settle(places, pending)
        return _go_back(places, machine, pending, pending.why or "the upgrade was cut off")
    serial = 0
    try:
        with opened(places.spool) as spool:
            if not has(spool, ORDER):
                return None
            order = taken_order(spool)
            serial = serial_of(order)
            manifest = judged(order, _here(places, machine))
            if manifest is None:
                return None
            pending = _taken(places, spool, manifest)
    except (NotTaken, OSError) as error:
        log.warning("refused: %s", error)
        return places.tell(Upgraded(serial=serial, state="refused", message=str(error)))
    return _install(places, machine, pending)


def _here(places: Places, machine: Machine) -> Here:
    try:
        serial = int(places.serial.read_text())
    except FileNotFoundError:
        serial = 0
    return Here(places.anchor(), serial, __version__, installed_as(), platform.machine(), machine.now())


def _taken(places: Places, spool: int, manifest: Manifest) -> Pending:
    """Both packages lie where only root can reach them, and the serial number is used up. Raises NotTaken."""
    kind, former = manifest.package.kind, manifest.former
    kept = places.kept(kind, __version__)
    if not kept.exists():
        if former is None or (former.kind, former.version) != (kind, __version__) or not has(spool, FORMER):
            told = f"the package of version {__version__} is missing, which would be put back if the new one fails"
            raise NotTaken(f"{told}: put it beside the new one at the controller")
        copied(spool, FORMER, former, kept)
    copied(spool, PACKAGE, manifest.package, places.package)
    write_whole(places.serial, str(manifest.serial).encode())
    return Pending(serial=manifest.serial, package=manifest.package, former=__version__)


def _install(places: Places, machine: Machine, pending: Pending) -> None:
    machine.sync(places.home)  # this program's own copy included, which has to be there after a power loss
    write_whole(places.pending, msgspec.json.encode(pending))
    version = pending.package.version
    log.info("version %s takes the place of %s", version, __version__)
    try:
        machine.install(pending.package.kind, places.package)
    except (NotInstalled, OSError) as error:
        return _go_back(places, machine, pending, str(error))
    machine.start()
    if not machine.hears(version):
        why = f"the controller took no report of version {version} within {machine.patience:g} s"
        return _go_back(places, machine, pending, why)
    pending = msgspec.structs.replace(pending, heard=True)
    write_whole(places.pending, msgspec.json.encode(pending))
    return _settle(places, pending)


def _settle(places: Places, pending: Pending) -> None:
    """The new version stays, and its package is what the next one would go back to."""
    places.keep(pending.package)
    places.tell(Upgraded(serial=pending.serial, state="done"))
    places.pending.unlink()
    log.info("version %s is there, and the controller hears it", pending.package.version)


def _go_back(places: Places, machine: Machine, pending: Pending, why: str) -> None:
    log.warning("%s; version %s is put back", why, pending.former)
    with suppress(OSError):  # a full disk keeps the former version from nobody
        write_whole(places.pending, msgspec.json.encode(msgspec.structs.replace(pending, why=why)))
    try:
        machine.install(pending.package.kind, places.kept(pending.package.kind, pending.former))
    except (NotInstalled, OSError) as error:
        told = f"{why}; version {pending.former} cannot be put back yet, which is tried again and again: {error}"
        places.tell(Upgraded(serial=pending.serial, state="fetching", message=told[:2000]))
        raise
    machine.start()
    told = f"{why}; version {pending.former} was put back"
    places.tell(Upgraded(serial=pending.serial, state="back", message=told))
    places.pending.unlink()
    places.package.unlink(missing_ok=True)


def _pending(places: Places) -> Pending | None:
    try:
        return msgspec.json.decode(places.pending.read_bytes(), type=Pending)
    except FileNotFoundError:
        return None
