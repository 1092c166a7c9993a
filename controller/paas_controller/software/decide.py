"""What to do about one member, now: a pure function. Whatever it needs to know is an argument, never looked up."""

from dataclasses import dataclass
from typing import Literal

from paas_agent.contract import Action, Cause
from paas_controller.software.members import HELD_EVERY
from paas_controller.software.states import Expect, Realtime
from paas_controller.software.transitions import step

SelfHeal = Literal["always", "exit", "never"]


@dataclass(frozen=True, slots=True)
class Situation:
    """One member as far as the decision needs it. `cause` is what made it fail; `retry_at` is UTC seconds."""

    expect: Expect
    realtime: Realtime
    installed: bool = False
    alive: bool | None = None
    cause: Cause = "action"
    self_heal: SelfHeal = "always"
    operation: str = ""
    hold: str = ""
    restart_due: bool = False
    reinstall_due: bool = False
    retry_at: float = 0.0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Gates:
    """Why something must wait for others; empty means open. None of them ever holds back healing."""

    host: str = ""
    bring_up: str = ""
    take_down: str = ""
    restart: str = ""


@dataclass(frozen=True, slots=True)
class Settled:
    """What is there is what is expected."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing now: until then (UTC seconds), or until something wakes us (None), and why."""

    until: float | None
    why: str


@dataclass(frozen=True, slots=True)
class Act:
    """This is to be done."""

    action: Action


Decision = Settled | Wait | Act


def decide(member: Situation, gates: Gates, now: float) -> Decision:
    """Settled, Wait or Act, for one member. The grid names the step; all else here may only delay it."""
    if member.operation and member.realtime == "unknow":
        return Wait(None, f"the host has not been heard of during its operation ({member.operation})")
    if member.operation:
        return Wait(None, f"an operation is under way ({member.operation})")
    todo = step(member.realtime, member.expect, installed=member.installed, alive=member.alive)
    if todo == "wait":
        return Wait(None, "the host has not been heard of; nothing is done until it is")
    if member.reinstall_due and todo in ("nothing", "start", "restart"):
        todo = "install"  # over what is there: nothing is uninstalled, so that no data can be lost
    elif todo == "nothing":
        if not member.restart_due or member.realtime != "running":
            return Settled()
        todo = "restart"
    why = member.hold or _self_heal(member) or _gate(member, gates, todo)
    if why:
        return Wait(None, why)
    if now < member.retry_at <= now + HELD_EVERY:  # nothing is put off for longer: then the clock was set back
        return Wait(member.retry_at, member.reason)
    return Wait(None, gates.host) if gates.host else Act(todo)


def _healing(member: Situation) -> bool:
    return member.realtime == "failed" and member.installed and member.expect == "running"


def _self_heal(member: Situation) -> str:
    """Why a failed member is left alone although running is expected; empty where it is not."""
    if not _healing(member) or member.self_heal == "always" or member.restart_due or member.reinstall_due:
        return ""
    if member.self_heal == "never":
        return "" if member.cause == "action" else "self_heal is never: it waits for somebody to restart it"
    slow = member.alive is True or (member.alive is None and member.cause == "check")
    return "self_heal is exit, and its process was not seen to end: it is left alone" if slow else ""


def _gate(member: Situation, gates: Gates, todo: Action) -> str:
    if _healing(member):
        return ""
    if todo == "restart" or member.reinstall_due:
        return gates.restart
    return gates.bring_up if todo in ("install", "start") else gates.take_down
