"""What the agent is given from outside, so that tests can give something else."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from paas_agent.journal import Write, write_whole
from paas_agent.process import Spawn


@dataclass(frozen=True)
class World:
    """`now` is UTC in seconds since the epoch; `grace` the seconds between TERM and KILL."""

    now: Callable[[], float]
    random: Random
    spawn: Spawn
    boot: str
    grace: float = 10.0
    write: Write = write_whole
    unit: Path | None = None
    """The cgroup below which each instance has its own."""
