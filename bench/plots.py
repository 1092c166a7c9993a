"""The report: one picture for each measure, bench/results/report.svg."""

from collections.abc import Sequence

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from bench.result import RESULTS, Result

mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "bench"
_OURS, _THEIRS = "#2563eb", "#9ca3af"


def draw(results: Sequence[Result]) -> None:
    """A measure taken at several sizes shows its slope, any other one itself beside its yardstick."""
    figure, axes = plt.subplots(1, len(results), figsize=(4 * len(results), 3.2), layout="constrained", squeeze=False)
    for axis, result in zip(axes[0], results, strict=True):
        axis.set_title(f"{result.number}. {result.what}", fontsize=8, wrap=True)
        axis.set_ylabel(result.unit)
        _slope(axis, result) if len(result.sizes) > 1 else _bars(axis, result)
        axis.set_ylim(bottom=0)
    figure.savefig(RESULTS / "report.svg", metadata={"Date": None})
    plt.close(figure)


def _slope(axis: Axes, result: Result) -> None:
    axis.plot(list(result.sizes), list(result.sizes.values()), "o-", color=_OURS)
    axis.axhline(result.yardstick_value, color=_THEIRS, linestyle="--", label=result.yardstick)
    axis.set_xscale("log")
    axis.set_xlabel(result.size_of)
    axis.legend(fontsize=7)


def _bars(axis: Axes, result: Result) -> None:
    names = ["here", result.yardstick]
    axis.bar(names, [result.value, result.yardstick_value], color=[_OURS, _THEIRS])
    axis.tick_params(axis="x", labelsize=7)
