"""One attempt: what happens at its seams."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from paas_controller.hosts.bootstrap.attempt import Attempt


async def _nothing(*_: Any) -> None:
    """Nobody watches."""


async def test_a_cancellation_that_meets_the_end_of_a_step_is_not_lost() -> None:
    begun, go = threading.Event(), threading.Event()

    def connect(_: Any) -> None:
        begun.set()
        go.wait()

    connection, pool = SimpleNamespace(connect=connect, close=lambda: None), ThreadPoolExecutor(1)
    means: Any = SimpleNamespace(open=lambda *_: connection, loopback=False, pool=pool)
    target: Any = SimpleNamespace(id="10.0.0.1:3335", address="10.0.0.1", ssh_port=22, pinned="")
    watcher: Any = SimpleNamespace(entered=_nothing, shown=_nothing)
    attempt = asyncio.create_task(Attempt(target, means, watcher).run())
    await asyncio.to_thread(begun.wait)
    go.set()
    pool.shutdown()  # now its result is on the way to the loop, which this line keeps from hearing of it
    attempt.cancel()
    with pytest.raises(asyncio.CancelledError):
        await attempt
