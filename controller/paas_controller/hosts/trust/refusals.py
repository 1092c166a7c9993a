"""Who was refused: a line in the log and a row of the audit, once an hour for each reason."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from paas_controller.base.clock import Clock

_log = logging.getLogger(__name__)
_AGAIN_AFTER = 3600.0
_WAITING = 1000
_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Refusal:
    """Which host (empty: nobody that is known), what it is told, and from where it came; empty where this controller
    went there."""

    host: str
    sentence: str
    peer: str = ""


class Refusals:
    """Noted where no time is to be lost, kept by a loop. Whoever tries every second, and whatever, fills no disk."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._noted: dict[tuple[str, str], float] = {}
        self._waiting: asyncio.Queue[Refusal] = asyncio.Queue(_WAITING)

    def note(self, refusal: Refusal) -> None:
        """Beyond a thousand reasons an hour nothing is noted."""
        now, reason = self._clock.time(), (refusal.host or refusal.peer, refusal.sentence[:_LONGEST])
        if now - self._noted.get(reason, -_AGAIN_AFTER) < _AGAIN_AFTER or self._waiting.full():
            return
        if len(self._noted) >= _WAITING:
            self._noted = {reason: at for reason, at in self._noted.items() if now - at < _AGAIN_AFTER}
            if len(self._noted) >= _WAITING:
                return
        self._noted[reason] = now
        _log.warning("%s is refused: %s", refusal.host or refusal.peer, reason[1])
        self._waiting.put_nowait(refusal)

    async def keep(self, write: Callable[[Refusal], Awaitable[None]]) -> None:
        """Writes them down as they come, for ever."""
        while True:
            await write(await self._waiting.get())
