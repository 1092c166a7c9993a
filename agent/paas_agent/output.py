"""What an operation's scripts have printed: numbered by offset, the last of it kept, secrets masked.

The scripts write into a plain file, which lives longer than the agent. What lies before the kept part is given back
to the disk as a hole, so that offsets stay what they are.
"""

import asyncio
import codecs
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec

from paas_agent import process
from paas_agent.contract import Order, secrets_of
from paas_agent.orders import PATH
from paas_agent.process import Spawn

KEPT = 256 * 1024
_SLACK = 1024 * 1024
_PAGE = 4096
_LOOK_EVERY = 0.5
_PUNCH = 'exec fallocate --punch-hole --offset 0 --length "$1" "$2"'


class Piece(msgspec.Struct):
    """Output from `offset` up to `next`, both in bytes of what was printed; `ended` when no more is expected."""

    offset: int
    next: int
    data: str
    ended: bool


def read(path: Path, order: Order, offset: int, *, ended: bool) -> Piece:
    """The output from an offset on. Where it was asked for and is gone, a marker says how much."""
    hidden = [secret.encode() for secret in secrets_of(order.metadata)]
    reach = max((len(secret) - 1 for secret in hidden), default=0)
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            begin = min(max(offset, size - KEPT, 0), size)
            early = max(begin - reach, 0)
            file.seek(early)
            window = file.read(size - early)
    except FileNotFoundError:
        return Piece(offset=0, next=0, data="", ended=ended)
    window = _masked(window, hidden, ended=ended)
    text, used = _decoded(window[begin - early :], ended=ended)
    cut = f"[… {begin - offset} bytes cut …]\n" if offset < begin else ""
    return Piece(offset=begin, next=begin + used, data=cut + text, ended=ended)


def last_lines(path: Path, order: Order, limit: int = 1000) -> str:
    """The end of the output, for a sentence about a failure; empty where it cannot be read."""
    try:
        text = read(path, order, 0, ended=True).data.rstrip()
    except OSError:
        return ""
    return text if len(text) <= limit else text[-limit:].partition("\n")[2] or text[-limit:]


@asynccontextmanager
async def kept_small(path: Path, spawn: Spawn) -> AsyncIterator[None]:
    """Keeps an output that is being written from filling the disk."""
    trimming = asyncio.create_task(_trim_often(path, spawn))
    try:
        yield
    finally:
        trimming.cancel()
        await asyncio.wait([trimming])
    with suppress(OSError):
        await trim(path, spawn)


async def trim(path: Path, spawn: Spawn) -> None:
    """Give the disk back what is not kept of an output, if that is worth it."""
    length = _superfluous(path)
    if length:
        nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        command = ("/bin/sh", "-c", _PUNCH, "paas-agent", str(length), str(path))
        try:
            pid = spawn(command, {"PATH": PATH}, (nothing, nothing, nothing))
        finally:
            os.close(nothing)
        await process.to_its_end(pid)


async def _trim_often(path: Path, spawn: Spawn) -> None:
    while True:
        await asyncio.sleep(_LOOK_EVERY)
        with suppress(OSError):
            await trim(path, spawn)


def _superfluous(path: Path) -> int:
    try:
        found = path.stat()
    except FileNotFoundError:
        return 0
    return (found.st_size - KEPT) // _PAGE * _PAGE if found.st_blocks * 512 > KEPT + _SLACK else 0


def _masked(window: bytes, hidden: list[bytes], *, ended: bool) -> bytes:
    for secret in hidden:
        window = window.replace(secret, b"*" * len(secret))
    if ended:
        return window
    # the end may be the beginning of a secret: it waits until the rest is printed
    longest = max((_overlap(window, secret) for secret in hidden), default=0)
    return window[: len(window) - longest]


def _overlap(window: bytes, secret: bytes) -> int:
    return next((size for size in range(len(secret) - 1, 0, -1) if window.endswith(secret[:size])), 0)


def _decoded(data: bytes, *, ended: bool) -> tuple[str, int]:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    text = decoder.decode(data, final=ended)
    return text, len(data) - len(decoder.getstate()[0])
