"""The grid: for what is there and what is expected, what is to be done. `docs/states.md` is generated from it."""

from typing import Literal

from paas_agent.contract import Action
from paas_controller.software.states import EXPECTATIONS, IN_BETWEEN, Expect, Realtime

Row = Literal[
    "not-installed", "stopped", "running",
    "failed, not installed", "failed, installed, its process lives", "failed, installed, no process",
    "unknow", "in between",
]  # fmt: skip
Step = Action | Literal["nothing", "wait"]

# fmt: off
GRID: dict[Row, tuple[Step, Step, Step]] = {
    #                                         running     stopped     not-installed
    "not-installed":                         ("install",  "install",  "nothing"),
    "stopped":                               ("start",    "nothing",  "uninstall"),
    "running":                               ("nothing",  "stop",     "stop"),
    "failed, not installed":                 ("install",  "install",  "uninstall"),
    "failed, installed, its process lives":  ("restart",  "stop",     "stop"),
    "failed, installed, no process":         ("restart",  "stop",     "uninstall"),
    "unknow":                                ("wait",     "wait",     "wait"),
    "in between":                            ("wait",     "wait",     "wait"),
}
# fmt: on


def row(realtime: Realtime, *, installed: bool, alive: bool | None) -> Row:
    """The grid's row for what is there."""
    if realtime == "failed":
        if not installed:
            return "failed, not installed"
        return "failed, installed, its process lives" if alive else "failed, installed, no process"
    return "in between" if realtime in IN_BETWEEN else realtime  # type: ignore[return-value]


def step(realtime: Realtime, expect: Expect, *, installed: bool, alive: bool | None) -> Step:
    """The grid's answer."""
    return GRID[row(realtime, installed=installed, alive=alive)][EXPECTATIONS.index(expect)]
