"""Counting on the way of every request: plain numbers, read when somebody asks."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence


class Histogram:
    """How much in all, and how often up to each bound and beyond. One thread observes, any may read."""

    __slots__ = ("_counts", "bounds", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.total = 0.0
        self._counts = [0] * (len(bounds) + 1)

    def observe(self, value: float) -> None:
        self.total += value
        self._counts[bisect_left(self.bounds, value)] += 1

    def cumulated(self) -> Iterator[tuple[float, int]]:
        """Each bound, infinity last, with the number of values up to it."""
        seen = 0
        for bound, count in zip((*self.bounds, float("inf")), list(self._counts), strict=True):
            seen += count
            yield bound, seen
