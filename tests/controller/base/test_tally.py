import math

from paas_controller.base.tally import Histogram


def test_a_value_counts_at_its_bound_and_at_every_larger_one() -> None:
    histogram = Histogram((1, 2))
    for value in (0, 1, 1.5, 2, 3):
        histogram.observe(value)
    assert list(histogram.cumulated()) == [(1, 2), (2, 4), (math.inf, 5)]
    assert histogram.total == 7.5
