"""Members, and what is heard of them, in few words."""

from dataclasses import replace
from typing import Any

from paas_agent.contract import Action, InstanceReport, Outcome, Phase, Progress
from paas_controller.software.members import Member, Moment, Turn
from paas_controller.software.states import STABLE, Realtime
from paas_controller.software.turns import ended, ordered

NOON = 1_800_000_000.0
"""Some moment, UTC seconds; tests count from here."""


def at(seconds: float = 0.0, jitter: float = 0.5) -> Moment:
    """So many seconds after noon; the middle of the dice gives the back-off as it is written down."""
    return Moment(NOON + seconds, jitter)


def member(realtime: Realtime = "not-installed", **fields: Any) -> Member:
    """A member at rest in this state since noon; software is there unless the state or a field says otherwise."""
    known = {"id": 1, "host": "h1:3335", "position": 0, "settled_at": NOON, "stable": realtime}
    return Member(realtime=realtime, **known | {"installed": realtime != "not-installed"} | fields)


def busy(realtime: Realtime, action: Action, *, restart_script: bool = True, **fields: Any) -> Member:
    """A member in this stable state with operation `op` just ordered."""
    return ordered(member(realtime, **fields), action, "op", NOON, has_restart_script=restart_script).member


def outcome(action: Action, state: str = "succeeded", **fields: Any) -> Outcome:
    """How operation `op` ended; by default with what success leaves behind."""
    status = {"install": "stopped", "stop": "stopped", "uninstall": "not-installed"}.get(action, "running")
    left = {"status": status, "installed": status != "not-installed"}
    if state != "succeeded":
        left = {"status": "failed", "installed": action != "install"}
    return Outcome(**{"operation_id": "op", "type": "database", "name": "db", "action": action, "state": state,
                      **left, **fields})  # fmt: skip


def seen(status: str, phase: Phase | None = None, operation: str = "op", **fields: Any) -> InstanceReport:
    """A member as its agent reports it, with an operation in this phase if one is given."""
    progress = phase and Progress(operation_id=operation, action="start", state="running", phase=phase)
    known = {"type": "database", "name": "db", "installed": status != "not-installed", "operation": progress}
    return InstanceReport(status=status, **known | fields)


def failed_again(known: Member, fault: str, seconds: float, jitter: float = 0.5) -> Member:
    """One more attempt to start it, that ended so many seconds after noon in a failure of this fault."""
    started = ordered(known, "start", "op", NOON + seconds, has_restart_script=True).member
    end = outcome("start", "failed", fault=fault, message="it did not start")
    return ended(started, end, at(seconds, jitter)).member


def steps(turn: Turn) -> list[tuple[Realtime, Realtime]]:
    """The story as pairs of states."""
    return [(moved.before, moved.after) for moved in turn.story]


def listed(turn: Turn) -> list[tuple[Realtime, Realtime]]:
    """The changes as pairs of states."""
    assert all({moved.before, moved.after} <= STABLE for moved in turn.changes)
    return [(moved.before, moved.after) for moved in turn.changes]


def placed(*members: Member) -> tuple[Member, ...]:
    """These members in this order, on hosts h1, h2, …"""
    numbered = enumerate(members, 1)
    return tuple(replace(known, id=n, host=f"h{n}:3335", position=n - 1) for n, known in numbered)
