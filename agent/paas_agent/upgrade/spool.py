"""Takes things out of a folder in which somebody else may do as they like: no link is followed, only copies count."""

import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from paas_agent.manifest import PackageFile

ORDER, PACKAGE, FORMER = "order", "package", "former"
_LARGEST_ORDER = 1 << 14
_CHUNK = 1 << 20
_PLAIN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class NotTaken(Exception):
    """An upgrade that root does not make; a sentence for people."""


@contextmanager
def opened(folder: Path) -> Iterator[int]:
    """The spool, as a descriptor. What lies in its place and is no folder goes away. Raises NotTaken."""
    above = os.open(folder.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            spool = os.open(folder.name, _PLAIN | os.O_DIRECTORY, dir_fd=above)
        except OSError as error:
            _remove(above, folder.name)
            raise NotTaken(f"the spool {folder} is no folder: {error.strerror}") from None
        try:
            yield spool
        finally:
            os.close(spool)
    finally:
        os.close(above)


def taken_order(spool: int) -> bytes:
    """The order, which is gone from the spool then, whatever it was. Raises NotTaken."""
    try:
        with _plain(spool, ORDER) as file:
            order = os.read(file, _LARGEST_ORDER + 1)
        if len(order) > _LARGEST_ORDER:
            raise NotTaken(f"the order in the spool is larger than {_LARGEST_ORDER} bytes")
        return order
    finally:
        _remove(spool, ORDER)


def has(spool: int, name: str) -> bool:
    """Whether there is something of this name."""
    with suppress(FileNotFoundError):
        os.stat(name, dir_fd=spool, follow_symlinks=False)
        return True
    return False


def copied(spool: int, name: str, file: PackageFile, target: Path) -> None:
    """Copies one file into a folder of root's; it is there when it is what it has to be. Raises NotTaken, OSError."""
    part = target.with_suffix(".part")
    part.unlink(missing_ok=True)
    try:
        with _plain(spool, name) as source, part.open("xb") as copy:
            _copy(source, copy, file)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _copy(source: int, copy: BinaryIO, file: PackageFile) -> None:
    digest, left = hashlib.sha256(), file.size
    while chunk := os.read(source, min(_CHUNK, left + 1)):
        left -= len(chunk)
        if left < 0:
            break
        digest.update(chunk)
        copy.write(chunk)
    if left or digest.hexdigest() != file.sha256:
        raise NotTaken(f"the package of version {file.version} in the spool is not the one that was signed")
    copy.flush()
    os.fsync(copy.fileno())


@contextmanager
def _plain(spool: int, name: str) -> Iterator[int]:
    try:
        descriptor = os.open(name, _PLAIN, dir_fd=spool)
    except OSError as error:
        raise NotTaken(f"{name} in the spool cannot be read as a plain file: {error.strerror}") from None
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
            raise NotTaken(f"{name} in the spool is no plain file of its own")
        yield descriptor
    finally:
        os.close(descriptor)


def _remove(folder: int, name: str) -> None:
    """Of a link the link."""
    with suppress(FileNotFoundError):
        try:
            os.unlink(name, dir_fd=folder)
        except IsADirectoryError:
            shutil.rmtree(name, dir_fd=folder)
