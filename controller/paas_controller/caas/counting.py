"""What a cluster refuses because it has not counted yet: its quota follows a while after a Service is gone."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from paas_controller.base.errors import Forbidden

T = TypeVar("T")
_PATIENCE = 5.0
"""Seconds in which it is tried again."""
_SHORTEST, _LONGEST = 0.05, 0.5


async def once_counted(
    make: Callable[[], Awaitable[T]], sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> T:
    """What `make` makes. Forbidden where its node ports are too many for the quota, and stay so for some seconds."""
    pause, waited = _SHORTEST, 0.0
    while True:
        try:
            return await make()
        except Forbidden as error:
            if waited >= _PATIENCE or "services.nodeports" not in error.message:
                raise
        await sleep(pause)
        waited, pause = waited + pause, min(2 * pause, _LONGEST)
