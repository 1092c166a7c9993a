"""What is measured, as data: a meter has a name, a meaning and labels; whoever has the numbers fills it when asked.

Labels are words of this program, never names of instances, hosts or people, so that their number stays small.
"""

import math
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder

from paas_controller.base.tally import Histogram

Labels = tuple[str, ...]
Collect = Callable[[], Awaitable[Iterable[Metric]]]
"""The meters of a room, filled."""


@dataclass(frozen=True, slots=True)
class Meter:
    """One thing that is measured; base units, seconds and bytes."""

    type: Literal["counter", "gauge", "histogram"]
    name: str
    meaning: str
    labels: Labels = ()

    def of(self, numbers: Iterable[tuple[Labels, float]]) -> Metric:
        """The meter with a number for each combination of labels."""
        make = CounterMetricFamily if self.type == "counter" else GaugeMetricFamily
        family = make(self.name, self.meaning, labels=self.labels)
        for labels, number in numbers:
            family.add_metric(labels, number)
        return family

    def spread(self, histograms: Iterable[tuple[Labels, Histogram]]) -> Metric:
        """The meter with a histogram for each combination of labels."""
        family = HistogramMetricFamily(self.name, self.meaning, labels=self.labels)
        for labels, histogram in histograms:
            buckets = [(_bound(bound), count) for bound, count in histogram.cumulated()]
            family.add_metric(labels, buckets, histogram.total)
        return family


def _bound(bound: float) -> str:
    return "+Inf" if bound == math.inf else str(float(bound))


@dataclass(frozen=True, slots=True)
class _Collected:
    families: Sequence[Metric]

    def collect(self) -> Iterable[Metric]:
        return self.families


def written(families: Iterable[Metric], accept: str) -> tuple[bytes, str]:
    """The families in the form that this Accept header prefers, and its content type."""
    write, content_type = choose_encoder(accept)
    return write(_Collected(list(families))), content_type
