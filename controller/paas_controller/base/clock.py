"""The time, handed in, so that tests and simulations bring their own."""

import time
from typing import Protocol


class Clock(Protocol):
    def time(self) -> float:
        """UTC in seconds since the epoch."""


class SystemClock:
    """The machine's clock."""

    def time(self) -> float:
        return time.time()
