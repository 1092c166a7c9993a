"""What the store counts."""

from dataclasses import dataclass, field

from paas_controller.base.tally import Histogram

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
_WRITES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


@dataclass(slots=True)
class Figures:
    """The writer counts commits, the event loop reads."""

    commit_seconds: Histogram = field(default_factory=lambda: Histogram(_SECONDS))
    commit_writes: Histogram = field(default_factory=lambda: Histogram(_WRITES))
    reads: int = 0
