"""A file under way: written and hashed together in a worker thread, resumed by a later process."""

import asyncio
import errno
import hashlib
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import ParamSpec, TypeVar

import msgspec

P = ParamSpec("P")
T = TypeVar("T")

CHUNK = 1 << 20


class Version(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a server calls a state of a file; empty when it gave no name that can be trusted."""

    etag: str = ""
    modified: str = ""

    def unless_same(self) -> dict[str, str]:
        if self.etag:
            return {"If-None-Match": self.etag}
        return {"If-Modified-Since": self.modified} if self.modified else {}

    def strong(self) -> str:
        """What If-Range may name; empty for none."""
        return self.modified if not self.etag or self.etag.startswith("W/") else self.etag

    def named_in(self, headers: Mapping[str, str]) -> bool:
        """Whether an answer is of this version. Some servers send a range of another one in spite of If-Range."""
        return self.strong() in (headers.get("ETag"), headers.get("Last-Modified"))


async def in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run blocking work in a worker thread; even a cancelled caller goes on only when the thread has let go."""
    running = asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        with suppress(Exception):
            running.result()
        raise


class Partial:
    """A file under way: what is written is hashed. Its version lies beside it, so that a later process can resume."""

    def __init__(self, path: Path, free_bytes: Callable[[Path], int]) -> None:
        self.path = path
        self.version = Version()
        self.size = 0
        self.resumed = False
        self._free_bytes = free_bytes
        self._note = path.with_suffix(".version")
        self._hash = hashlib.sha256()
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.utime(self._fd)  # in use again, whatever its age

    def load(self) -> None:
        """Take up what an earlier process left behind."""
        with suppress(OSError, msgspec.MsgspecError):
            self.version = msgspec.json.decode(self._note.read_bytes(), type=Version)
        while chunk := os.pread(self._fd, CHUNK, self.size):
            self._hash.update(chunk)
            self.size += len(chunk)
        self.resumed = self.size > 0

    def restart(self, version: Version) -> None:
        os.ftruncate(self._fd, 0)
        self._note.write_bytes(msgspec.json.encode(version))
        self.version, self.size, self.resumed, self._hash = version, 0, False, hashlib.sha256()

    def expect(self, total: int) -> None:
        """Raises ENOSPC when the disk has no room for the rest of `total` bytes."""
        missing, free = total - self.size, self._free_bytes(self.path.parent)
        if missing > free:
            raise OSError(errno.ENOSPC, f"it needs {missing:,} bytes more and {free:,} are free")

    def write(self, chunk: bytes) -> None:
        view = memoryview(chunk)
        while view:
            written = os.pwrite(self._fd, view, self.size)
            self._hash.update(view[:written])
            self.size += written
            view = view[written:]

    def digest(self) -> str:
        return self._hash.hexdigest()

    def publish(self, path: Path) -> os.stat_result:
        """Give the complete file its final name, for everybody to read and nobody to write."""
        os.fchmod(self._fd, 0o444)
        self.path.rename(path)
        self._note.unlink(missing_ok=True)
        return os.fstat(self._fd)

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def close(self) -> None:
        os.close(self._fd)
