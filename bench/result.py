"""One measure's result, and how it is kept and shown."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Result:
    """`value` is a median in `unit`, `spread` the width of its runs as a part of it, `sizes` size → value."""

    name: str
    number: int
    what: str
    value: float
    unit: str
    spread: float
    yardstick: str
    yardstick_value: float
    ratio: float
    goal: str
    reached: bool
    sizes: dict[int, float] = field(default_factory=dict)
    size_of: str = ""
    more: dict[str, float] = field(default_factory=dict)

    def keep(self) -> None:
        """Writes bench/results/<name>.json."""
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{self.name}.json").write_text(json.dumps(asdict(self), indent=2) + "\n")

    def line(self) -> str:
        """One row of the table."""
        mark = "yes" if self.reached else "NO"
        figure = f"{self.value:,.4g} {self.unit} ±{self.spread:.0%}"
        return f"{self.number:>2}  {self.what:<58} {figure:<24} {self.ratio:>7.2f} ×  {self.goal:<10} {mark}"


HEADER = f" #  {'what':<58} {'median':<24} {'ratio':>9}  {'goal':<10} reached"


def spread(runs: Sequence[float]) -> float:
    """The width of the runs as a part of their median."""
    return (max(runs) - min(runs)) / statistics.median(runs)


def thirds(values: Sequence[float]) -> list[float]:
    """The medians of every third value: three runs out of one."""
    return [statistics.median(values[part::3]) for part in range(3)]


def percentile(values: Sequence[float], part: float) -> float:
    """The value below which this part (0 to 1) of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]
