"""Waiting goes on while a controller is restarted: what was asked of it goes on there as well."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from paas_client.errors import Unavailable, Unreachable
from paas_client.progress import Progress

T = TypeVar("T")
_AGAIN_AFTER = 0.5


async def patiently(question: Callable[[], Awaitable[T]], progress: Progress) -> T:
    """The answer, asked for until it comes; whoever waits sets the end."""
    while True:
        try:
            return await question()
        except (Unreachable, Unavailable) as error:
            progress.doing(told := f"{error.message}; trying again", sort=told)
            await asyncio.sleep(_AGAIN_AFTER)
