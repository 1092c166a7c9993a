"""Scripts and packages: fetched, verified against SHA256SUMS, kept by content, refreshed when they have changed."""

import asyncio
import errno
import hashlib
import logging
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import aiohttp
from yarl import URL

from paas_agent.cache import Cache, Sums, boot_id, free_bytes_of, parse_sums
from paas_agent.contract import Order
from paas_agent.download import FetchFailed, Missing, Patience, Source, Unreachable, Watch, download
from paas_agent.partial import Partial, Version, in_thread

__all__ = ["FetchFailed", "Packages", "Patience"]

SUMS = "SHA256SUMS"
IDLE = 3600.0
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Place:
    """Where a file is published: its folder, its name in it, its own URL."""

    folder: URL
    name: str

    @property
    def url(self) -> URL:
        return self.folder / self.name


def locate(repo_url: str, name: str) -> Place:
    """The place of a file. What only another spec can mend is refused as the software's fault."""
    if not name or name.startswith(".") or re.search(r"[/\x00-\x1f]", name):
        raise FetchFailed(
            f"{name!r} is no name of a script or package; it may hold no / and not start with .", "software"
        )
    try:
        folder = URL(repo_url if repo_url.endswith("/") else f"{repo_url}/")
    except ValueError:
        folder = URL()
    if folder.user is not None or folder.password is not None:
        raise FetchFailed("repo_url holds credentials; take them out and let this host read without", "software")
    if folder.scheme not in ("http", "https") or not folder.host or folder.query_string or folder.fragment:
        raise FetchFailed("repo_url is not of the form http(s)://HOST/FOLDER/; mend it in the spec", "software")
    return Place(folder, name)


class Packages:
    """The files of all repositories, as one verified cache.

    `own(url)` says how to ask for a file of the controller's own repository (headers, TLS); None for any other's.
    """

    def __init__(
        self,
        root: Path,
        session: aiohttp.ClientSession,
        *,
        own: Callable[[str], dict[str, Any] | None],
        free_bytes: Callable[[Path], int] = free_bytes_of,
        patience: Patience | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._root = root
        self._source = Source(session, own, patience or Patience())
        self._free_bytes = free_bytes
        self._cache = Cache(root, boot_id(), clock)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._confirmed: dict[str, float] = {}
        self._told: set[str] = set()
        """Whose being out of reach stands in the log."""
        self._asking: set[asyncio.Task[None]] = set()

    def ask_ahead(self, repo_url: str) -> float:
        """Begin to ask a repository for its sums; the time for `fetch`, which says what goes wrong."""
        since = asyncio.get_running_loop().time()
        task = asyncio.create_task(self._ask_ahead(repo_url, since))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)
        return since

    async def _ask_ahead(self, repo_url: str, since: float) -> None:
        with suppress(FetchFailed, OSError):
            await self._ask(locate(repo_url, SUMS).folder, since)

    async def fetch(
        self, repo_url: str, name: str, *, progress: Watch | None = None, since: float | None = None
    ) -> Path:
        """A complete, verified, read-only file; the repository is asked unless it was `since` (loop time; None: now).

        `progress(done, total)` hears of bytes, total 0 if unknown. Raises FetchFailed.
        """
        place = locate(repo_url, name)
        since = asyncio.get_running_loop().time() if since is None else since
        try:
            async with self._lock(place.url):
                return await self._current(place, since, progress or _unheard)
        except OSError as exc:
            advice = "make room on that disk" if exc.errno in (errno.ENOSPC, errno.EDQUOT) else "see to that disk"
            raise FetchFailed(f"{place.url} cannot be kept in {self._root}: {exc.strerror}; {advice}") from exc

    async def last_verified(self, repo_url: str, name: str) -> Path | None:
        """What this name last gave, verified then; nobody is asked, nor what the sums say by now. None: nothing."""
        known = self._cache.index.files.get(str(locate(repo_url, name).url))
        return await self._cache.find(known.sha256) if known else None

    async def held(self, order: Order) -> str:
        """Where an order's package is, verified, on this disk; empty where it is not."""
        if not order.package:
            return ""
        return str(await self._last_good(locate(order.repo_url, order.package)) or "")

    async def exact(self, url: URL, sha256: str) -> Path:
        """The file at this URL, which is the one with this digest or none. Raises FetchFailed and OSError."""
        if held := await self._cache.find(sha256):
            return held
        async with self._lock(url), self._partial(Place(url.parent, url.name), sha256) as part:
            if part.digest() != sha256:
                await download(self._source, url, part, Version(), _unheard)
            if part.digest() != sha256:
                raise FetchFailed(f"{url} gave another file than was signed; it is not used")
            return await self._cache.keep(part, str(url))

    async def prune(self, keep_bytes: int) -> None:
        """Drop what was unused for longest until `keep_bytes` are left; what was used within the hour stays."""
        await self._cache.prune(keep_bytes, IDLE)

    def _lock(self, url: URL) -> asyncio.Lock:
        return self._locks.setdefault(str(url), asyncio.Lock())

    async def _current(self, place: Place, since: float, progress: Watch) -> Path:
        url = str(place.url)
        if self._confirmed.get(url, -inf) >= since and (path := await self._last_good(place)):
            return path
        try:
            path = await self._refresh(place, since, progress)
        except Unreachable as exc:
            path = await self._last_good(place)
            if path is None:
                raise
            log.log(logging.DEBUG if url in self._told else logging.WARNING, "%s; what it last gave is used", exc)
            self._told.add(url)
            return path
        self._told.discard(url)
        self._confirmed[url] = asyncio.get_running_loop().time()
        return path

    async def _last_good(self, place: Place) -> Path | None:
        """What the URL last gave, unless the folder's sums have named other content since."""
        known = self._cache.index.files.get(str(place.url))
        sums = self._cache.index.folders.get(str(place.folder))
        if known is None or (sums and sums.digests.get(place.name) != known.sha256):
            return None
        return await self._cache.find(known.sha256)

    async def _refresh(self, place: Place, since: float, progress: Watch) -> Path:
        expected = await self._expected(place, since)
        if expected:
            return await self._verified(place, expected, progress)
        known = self._cache.index.files.get(str(place.url))
        held = await self._cache.find(known.sha256) if known else None
        async with self._partial(place, self._cache.boot) as part:
            unless = known.version if known and held else Version()
            if not await download(self._source, place.url, part, unless, progress) and held:
                return held
            return await self._cache.keep(part, str(place.url))

    async def _verified(self, place: Place, expected: str, progress: Watch) -> Path:
        if held := await self._cache.find(expected):
            await self._cache.remember(str(place.url), expected)
            return held
        async with self._partial(place, expected) as part:
            if part.digest() != expected:
                await download(self._source, place.url, part, Version(), progress)
            if part.digest() != expected and part.resumed:  # it may have been spoilt since, or mixed of two versions
                await in_thread(part.restart, Version())
                await download(self._source, place.url, part, Version(), progress)
            if part.digest() != expected:  # the sums may have been published anew meanwhile
                expected = await self._expected(place, asyncio.get_running_loop().time())
            if (got := part.digest()) != expected:
                raise FetchFailed(
                    f"{place.url} is not what SHA256SUMS says: expected {expected[:12] or 'none'}, got {got[:12]}; "
                    "it is not used; publish both anew"
                )
            return await self._cache.keep(part, str(place.url))

    async def _expected(self, place: Place, since: float) -> str:
        """The digest that SHA256SUMS in the folder names; empty when there is no such file."""
        await self._ask(place.folder, since)
        sums = self._cache.index.folders.get(str(place.folder))
        if sums and place.name not in sums.digests:
            unknown = f"{place.folder / SUMS} does not name {place.name}"
            raise FetchFailed(f"{unknown}; is the name right? if so, publish it with its sum")
        return sums.digests[place.name] if sums else ""

    async def _ask(self, folder: URL, since: float) -> None:
        key = str(folder)
        async with self._lock(folder):
            if self._confirmed.get(key, -inf) < since:
                began = asyncio.get_running_loop().time()
                await self._read_sums(folder)
                self._confirmed[key] = began

    async def _read_sums(self, folder: URL) -> None:
        folders, key = self._cache.index.folders, str(folder)
        known = folders.get(key)
        try:
            answer = await self._source.text(folder / SUMS, known.version if known else Version())
        except Missing:
            if folders.pop(key, None):
                log.warning("%s is no longer there: files are used without it", folder / SUMS)
                await self._cache.save()
            return
        if answer:
            folders[key] = Sums(parse_sums(answer[0]), answer[1])
            if folders[key] != known:
                await self._cache.save()

    @asynccontextmanager
    async def _partial(self, place: Place, state: str) -> AsyncIterator[Partial]:
        """The file under way for this state of a URL; kept for the next try only when the line broke."""
        name = hashlib.sha256(f"{place.url} {state}".encode()).hexdigest()
        part = Partial(self._cache.partials / name[:32], self._free_bytes)
        try:
            if part.path.stat().st_size:
                await in_thread(part.load)
            yield part
        except (FetchFailed, OSError) as exc:
            if not isinstance(exc, Unreachable):
                part.discard()
            raise
        finally:
            if not part.size:
                part.discard()
            part.close()


def _unheard(_done: int, _total: int) -> None:
    """Nobody asked for progress."""
