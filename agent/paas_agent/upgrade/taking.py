"""The agent's side of an upgrade: fetches what is offered, leaves it for root, and passes on what became of it."""

import asyncio
import logging
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
from yarl import URL

from paas_agent import __version__
from paas_agent.download import FetchFailed
from paas_agent.manifest import PACKAGES, Manifest, Offer, PackageFile, Upgraded
from paas_agent.membership import Membership
from paas_agent.partial import in_thread
from paas_agent.upgrade.places import Places
from paas_agent.upgrade.spool import FORMER, ORDER, PACKAGE

log = logging.getLogger(__name__)

Fetch = Callable[[URL, str], Awaitable[Path]]
"""Gives the file at this URL, which has to have this SHA-256. Raises FetchFailed."""


@dataclass(frozen=True)
class Root:
    """The way to root and back: where it looks, and whether it takes upgrades of this controller at all."""

    places: Places
    controller: str
    listens: bool


def root_of(work_dir: Path, membership: Membership, places: Places | None = None) -> Root:
    """Root looks into one folder alone, and goes by the controller that it was told of."""
    places = places or Places()
    anchor = places.anchor()
    known = anchor is not None and (anchor.host, anchor.ca) == (membership.host, membership.ca)
    return Root(places, membership.controller, known and work_dir / places.spool.name == places.spool)


class Taking:
    """Upgrades as the acknowledgements of reports offer them: the same one until the controller knows its end."""

    def __init__(self, root: Root, fetch: Fetch, news: Callable[[], None]) -> None:
        self._root, self._fetch, self._ring = root, fetch, news
        self._offer: tuple[Offer, Manifest] | None = None
        self._due = asyncio.Event()
        self._handed = 0
        """The serial number of what root has got, or need not get."""
        self._trouble: Upgraded | None = None
        self._told = 0

    def news(self) -> Upgraded | None:
        """What the controller has not acknowledged yet."""
        told_at, upgraded = self._of_root()
        return self._trouble or (upgraded if told_at != self._told else None)

    def acknowledged(self, news: Upgraded | None, offer: Offer | None) -> None:
        """The controller has taken these news, and offers this."""
        told_at, upgraded = self._of_root()
        if news is not None and news == upgraded:
            self._told = told_at
        if news == self._trouble:
            self._trouble = None
        manifest = _read(offer)
        if offer is None or manifest is None or not self._root.listens:
            return
        if upgraded and upgraded.serial == manifest.serial:
            if news is None:  # what has ended is still offered: it has not heard of the end
                self._told = 0
                self._ring()
        elif self._handed != manifest.serial:
            self._offer = offer, manifest
            self._due.set()

    def _of_root(self) -> tuple[int, Upgraded | None]:
        told = self._root.places.told() if self._root.listens else None
        return told or (0, None)

    async def run(self) -> None:
        """Fetches, for ever, what is offered; what fails is tried again with the next offer."""
        while True:
            await self._due.wait()
            self._due.clear()
            assert self._offer is not None
            offer, manifest = self._offer
            try:
                if manifest.package.version != __version__:
                    await self._hand_over(offer, manifest)
                self._handed = manifest.serial
            except (FetchFailed, OSError) as error:
                log.warning("version %s of the agent is not there yet: %s", manifest.package.version, error)
                self._trouble = Upgraded(serial=manifest.serial, state="fetching", message=str(error)[:2000])

    async def _hand_over(self, offer: Offer, manifest: Manifest) -> None:
        spool = self._root.places.spool
        await in_thread(_empty, spool)
        for name, file in ((PACKAGE, manifest.package), (FORMER, manifest.former)):
            if file is not None:
                await in_thread(shutil.copyfile, await self._file(file), spool / name)
        await in_thread(_leave, spool, offer)
        log.info("version %s of the agent is handed over to root", manifest.package.version)

    async def _file(self, file: PackageFile) -> Path:
        url = URL(self._root.controller.rstrip("/") + PACKAGES + file.sha256)
        return await self._fetch(url, file.sha256)


def _read(offer: Offer | None) -> Manifest | None:
    """What root will judge; here it only says what to fetch. None for one of a kind that is not known yet."""
    try:
        return msgspec.json.decode(offer.manifest, type=Manifest) if offer else None
    except msgspec.DecodeError as error:
        log.warning("an upgrade that this version does not understand is offered: %s", error)
        return None


def _empty(spool: Path) -> None:
    shutil.rmtree(spool, ignore_errors=True)
    spool.mkdir(mode=0o700)


def _leave(spool: Path, offer: Offer) -> None:
    """The order last: root begins when it is there."""
    fresh = spool / "order.new"
    fresh.write_bytes(msgspec.json.encode(offer))
    fresh.replace(spool / ORDER)
