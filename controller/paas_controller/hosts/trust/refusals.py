"""Hosts that were refused: a line in the log and a row of the audit, once an hour for each reason."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from paas_controller.base.clock import Clock

_log = logging.getLogger(__name__)
_AGAIN_AFTER = 3600.0
_WAITING = 1000


@dataclass(frozen=True, slots=True)
class Refusal:
    """Which host, what it is told, and from where it came; empty where this controller went there."""

    host: str
    sentence: str
    peer: str = ""


class Refusals:
    """Noted where no time is to be lost, kept by a loop. A host that tries every second fills no disk."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._noted: dict[tuple[str, str], float] = {}
        self._waiting: asyncio.Queue[Refusal] = asyncio.Queue(_WAITING)

    def note(self, refusal: Refusal) -> None:
        """`host` is one that the registry has."""
        now, reason = self._clock.time(), (refusal.host, refusal.sentence)
        if now - self._noted.get(reason, -_AGAIN_AFTER) < _AGAIN_AFTER or self._waiting.full():
            return
        if len(self._noted) >= _WAITING:
            self._noted = {reason: at for reason, at in self._noted.items() if now - at < _AGAIN_AFTER}
        self._noted[reason] = now
        _log.warning("%s is refused: %s", refusal.host, refusal.sentence)
        self._waiting.put_nowait(refusal)

    async def keep(self, write: Callable[[Refusal], Awaitable[None]]) -> None:
        """Writes them down as they come, for ever."""
        while True:
            await write(await self._waiting.get())
