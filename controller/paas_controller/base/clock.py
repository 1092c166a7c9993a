"""The time, handed in, so that tests and simulations bring their own."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    def time(self) -> float:
        """UTC in seconds since the epoch: what is told and kept."""

    def monotonic(self) -> float:
        """Seconds since some moment, which nobody sets: how long something has lasted."""


class SystemClock:
    """The machine's clock."""

    def time(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


def rfc3339(at: float | None) -> str | None:
    """A moment (UTC seconds) as people and JSON write it; None stays None."""
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
