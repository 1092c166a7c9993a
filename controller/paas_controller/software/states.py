"""What may be expected, what may be there, and what may be done about it: the states as data."""

from collections.abc import Iterable
from typing import Literal, get_args

from paas_agent.contract import Action

Expect = Literal["running", "stopped", "not-installed"]
Realtime = Literal[
    "not-installed", "running", "stopped", "failed", "unknow",
    "installing", "starting", "stopping", "restarting", "uninstalling",
]  # fmt: skip

EXPECTATIONS: tuple[Expect, ...] = get_args(Expect)
REALTIMES: tuple[Realtime, ...] = get_args(Realtime)

STABLE: frozenset[Realtime] = frozenset({"not-installed", "running", "stopped", "failed", "unknow"})
"""States in which nothing is under way; leaving one for another is what the changed lists are about."""

IN_BETWEEN: frozenset[Realtime] = frozenset(REALTIMES) - STABLE
"""States that last as long as an operation does."""

DOING: dict[Action, Realtime] = {
    "install": "installing",
    "start": "starting",
    "stop": "stopping",
    "restart": "restarting",
    "uninstall": "uninstalling",
}

_UPHILL: tuple[Realtime, ...] = (
    "not-installed", "uninstalling", "installing", "stopped", "stopping", "starting", "restarting", "running",
)  # fmt: skip
"""From nothing to running; how far two states lie apart is how far they lie apart here."""


def route(action: Action, *, has_restart_script: bool) -> tuple[Realtime, ...]:
    """The states that one operation crosses, first to last, before it reaches a stable one."""
    if action == "restart" and not has_restart_script:
        return ("stopping", "stopped", "starting")
    return (DOING[action],)


def summary(expect: Expect, realtimes: Iterable[Realtime]) -> Realtime:
    """The members' common state, else the one farthest from the expectation; failed and unknow first."""
    states = set(realtimes)
    for loud in ("failed", "unknow"):
        if loud in states:
            return loud
    goal = _UPHILL.index(expect)
    return max(states, key=lambda state: abs(_UPHILL.index(state) - goal))
