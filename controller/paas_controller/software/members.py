"""A member as one value, the steps of its story, and the account of its failed attempts. Pure."""

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from paas_agent.contract import Action, Cause, Fault
from paas_controller.software.states import STABLE, Realtime

PATIENCE = 6
"""Failed attempts of the software itself before it is tried every `HELD_EVERY` seconds only."""
HELD_EVERY = 900.0
LONGEST_WAIT = 300.0
QUIET_AFTER = 600.0
"""Seconds of peace after which failures are counted anew."""

Why = Cause | Literal["report", "silence", "wish"]


class Moment(NamedTuple):
    """When something happened (UTC seconds), and the dice for the back-off, in [0, 1)."""

    now: float
    jitter: float = 0.5


@dataclass(frozen=True, slots=True)
class Member:
    """An instance on one of its hosts, as the controller knows it. Times are UTC seconds."""

    id: int
    host: str
    position: int
    realtime: Realtime = "not-installed"
    stable: Realtime = "not-installed"
    """The last stable state: what the changed lists compare with."""
    installed: bool = False
    alive: bool | None = None
    cause: Cause = "action"
    reason: str = ""
    failures: int = 0
    obstacles: int = 0
    """Failed attempts that were not the software's fault."""
    attempted: bool = True
    """No fall was blamed yet on the last attempt, or on how it was found: each counts as one failure at most."""
    retry_at: float = 0.0
    settled_at: float = 0.0
    operation: str = ""
    action: Action | Literal[""] = ""
    route: tuple[Realtime, ...] = ()
    """The states that the operation under way crosses."""
    serving: int = 0
    """The restart wish that the operation under way fulfils."""
    restart_wanted: int = 0
    restart_done: int = 0
    cancelled: bool = False
    generation: int = 0
    """The spec's generation that was last applied."""
    installed_generation: int = 0
    """The generation that was last installed."""
    leaving: bool = False
    """Its host was taken off the list: it is uninstalled, whatever the instance is expected to be."""

    @property
    def held_back(self) -> bool:
        return self.failures >= PATIENCE


@dataclass(frozen=True, slots=True)
class Moved:
    """One step of the story: from one realtime state to another, why, in a sentence."""

    before: Realtime
    after: Realtime
    at: float
    why: Why
    sentence: str
    operation: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """`changes` holds those of the moves that left a stable state for another one."""

    member: Member
    story: tuple[Moved, ...] = ()
    changes: tuple[Moved, ...] = ()

    def then(self, later: "Turn") -> "Turn":
        return Turn(later.member, self.story + later.story, self.changes + later.changes)


def move(member: Member, after: Realtime, at: float, why: Why, sentence: str) -> Turn:
    """The member in another state. Arriving in a stable one that differs from the last stable one is a change."""
    if after == member.realtime:
        return Turn(replace(member, reason=sentence))
    step = Moved(member.realtime, after, at, why, sentence, member.operation)
    moved = replace(member, realtime=after, reason=sentence)
    inside = member.operation and after != "unknow"
    if after not in STABLE or inside:
        return Turn(moved, (step,))
    return settle(Turn(moved, (step,)), at, why)


def settle(turn: Turn, at: float, why: Why) -> Turn:
    """Closes a turn that ended in a stable state: compares it with the last one."""
    member = turn.member
    if member.realtime == member.stable:
        return turn
    change = Moved(member.stable, member.realtime, at, why, member.reason, member.operation)
    return Turn(replace(member, stable=member.realtime), turn.story, (*turn.changes, change))


def backoff(attempts: int, jitter: float) -> float:
    """Seconds to wait after so many failed attempts: 1 doubling to 300, times 0.8 to 1.2; `jitter` in [0, 1)."""
    if attempts <= 0:
        return 0.0
    return min(2.0 ** min(attempts - 1, 30), LONGEST_WAIT) * (0.8 + 0.4 * jitter)


def blamed(member: Member, fault: Fault, reason: str, moment: Moment) -> Member:
    """The member with one more failed attempt on its account, and when to try again."""
    if fault == "environment":
        obstacles = member.obstacles + 1
        return replace(
            member, obstacles=obstacles, retry_at=moment.now + backoff(obstacles, moment.jitter), reason=reason
        )
    failures = member.failures + 1
    if failures < PATIENCE:
        return replace(member, failures=failures, retry_at=moment.now + backoff(failures, moment.jitter), reason=reason)
    told = f"held: failed {failures} times, tried every 15 minutes until somebody acts; {reason}"
    return replace(member, failures=failures, retry_at=moment.now + HELD_EVERY, reason=told)
