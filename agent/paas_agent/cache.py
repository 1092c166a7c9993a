"""Files on disk: content under its SHA-256, and the index that outlives the process.

Content is not forced to the disk: what a power failure may have spoilt is hashed again before its use after a boot.
"""

import asyncio
import hashlib
import logging
import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from paas_agent.partial import Partial, Version, in_thread

log = logging.getLogger(__name__)


class Known(msgspec.Struct, frozen=True):
    """What a URL last gave, whole and verified."""

    sha256: str
    version: Version


class Sums(msgspec.Struct, frozen=True):
    """What a folder's SHA256SUMS last said: name to digest."""

    digests: dict[str, str]
    version: Version


class Seal(msgspec.Struct, frozen=True):
    """How a content file looked when it was last hashed; a file that looks different is hashed again."""

    size: int
    mtime_ns: int
    boot: str


class Index(msgspec.Struct):
    """All that is remembered: by file URL, by folder URL, by digest."""

    files: dict[str, Known] = {}
    folders: dict[str, Sums] = {}
    seals: dict[str, Seal] = {}


class Cache:
    """The folder: `sha256/` for content, `partial/` for files under way, `index.json`."""

    def __init__(self, root: Path, boot: str, clock: Callable[[], float]) -> None:
        self.contents, self.partials = root / "sha256", root / "partial"
        for folder in (self.contents, self.partials):
            folder.mkdir(parents=True, exist_ok=True)
        self.boot = boot
        self._clock = clock
        self._path = root / "index.json"
        self._saving = asyncio.Lock()
        self.index = Index()
        with suppress(FileNotFoundError, msgspec.MsgspecError):
            self.index = msgspec.json.decode(self._path.read_bytes(), type=Index)

    async def find(self, digest: str) -> Path | None:
        """The content with this digest, now marked as used; None when there is none that still is what it was."""
        path = self.contents / digest
        try:
            seal = self._seal(path.stat())
        except FileNotFoundError:
            return None
        if self.index.seals.get(digest) != seal:
            if await in_thread(_hash_of, path) != digest:
                log.warning("%s is not what it was; it is fetched anew", path)
                path.unlink(missing_ok=True)
                return None
            self.index.seals[digest] = seal
            await self.save()
        self._touch(path, seal)
        return path

    async def keep(self, part: Partial, url: str) -> Path:
        """Make a complete file content, and what `url` gives."""
        digest = part.digest()
        path = self.contents / digest
        self.index.seals[digest] = seal = self._seal(part.publish(path))
        self._touch(path, seal)
        self.index.files[url] = Known(digest, part.version)
        await self.save()
        return path

    async def remember(self, url: str, digest: str) -> None:
        """Note that `url` gives this content, as its folder's sums say."""
        known = self.index.files.get(url)
        if known is None or known.sha256 != digest:
            self.index.files[url] = Known(digest, Version())
            await self.save()

    async def save(self) -> None:
        async with self._saving:
            await in_thread(_replace, self._path, msgspec.json.encode(self.index))

    def _seal(self, stat: os.stat_result) -> Seal:
        return Seal(stat.st_size, stat.st_mtime_ns, self.boot)

    def _touch(self, path: Path, seal: Seal) -> None:
        with suppress(OSError):
            os.utime(path, ns=(int(self._clock() * 1e9), seal.mtime_ns))

    async def prune(self, keep_bytes: int, idle: float) -> None:
        """Drop the content unused for longest until `keep_bytes` are left, and partials nobody came back for.

        What was touched less than `idle` seconds ago stays: a script may be running from it.
        """
        gone = self._set_aside(keep_bytes, (self._clock() - idle) * 1e9)
        await self.save()
        await in_thread(_unlink, gone)

    def _set_aside(self, keep_bytes: int, before: float) -> list[Path]:
        """Take the names away at once, before anybody can be handed one; freeing the blocks can take long."""
        gone = [path for path in self.partials.iterdir() if path.stat().st_mtime_ns < before]
        found = sorted(((path.stat(), path) for path in self.contents.iterdir()), key=lambda each: each[0].st_atime_ns)
        total, index = sum(stat.st_size for stat, _ in found), self.index
        for stat, path in found:
            if total > keep_bytes and stat.st_atime_ns < before:
                gone.append(path.rename(self.partials / path.name))
                index.seals.pop(path.name, None)
                total -= stat.st_size
        index.files = {url: known for url, known in index.files.items() if known.sha256 in index.seals}
        index.folders = {
            folder: sums for folder, sums in index.folders.items() if any(url.startswith(folder) for url in index.files)
        }
        return gone


def _unlink(paths: list[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _replace(path: Path, data: bytes) -> None:
    fresh = path.with_suffix(".new")
    with fresh.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def parse_sums(text: str) -> dict[str, str]:
    """Name to digest, of the lines that `sha256sum` writes for files of the same folder."""
    lines = re.findall(r"^\\?([0-9A-Fa-f]{64}) [ *](?:\./)?([^/\r\n]+?)\s*$", text, re.MULTILINE)
    return {name: digest.lower() for digest, name in lines}


def free_bytes_of(path: Path) -> int:
    stat = os.statvfs(path)
    return stat.f_bavail * stat.f_frsize


def boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
