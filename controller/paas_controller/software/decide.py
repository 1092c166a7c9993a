"""What to do about one member, now: a pure function. Whatever it needs to know is an argument, never looked up."""

from dataclasses import dataclass
from typing import Literal

from paas_agent.contract import Action, Cause
from paas_controller.software.members import HELD_EVERY
from paas_controller.software.states import Expect, Realtime
from paas_controller.software.transitions import Step, step

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
    trouble: str = ""
    """Why the agent was not told of the operation yet; empty where it was."""
    hold: str = ""
    drained: str = ""
    """Why nothing is to run on its host; empty where it may."""
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
        told = f"an operation is under way ({member.operation})"
        return Wait(None, f"{told}; {member.trouble}" if member.trouble else told)
    todo = _due(member)
    if todo == "wait":
        silent = "the host has not been heard of; nothing is done until it is"
        return Wait(None, f"{silent}; {member.drained}" if member.drained else silent)
    if member.drained and (todo in ("install", "start", "restart") or (todo == "nothing" and _put_off(member))):
        return Wait(None, member.drained)
    if todo == "nothing":
        return Settled()
    why = member.hold or _self_heal(member) or _gate(member, gates, todo)
    if why:
        return Wait(None, why)
    if now < member.retry_at <= now + HELD_EVERY:  # nothing is put off for longer: then the clock was set back
        return Wait(member.retry_at, member.reason)
    return Wait(None, gates.host) if gates.host else Act(todo)


def _due(member: Situation) -> Step:
    """What the grid says, and what is wanted beyond it. Where running is put off it is as if stopped were expected."""
    expect = "stopped" if _put_off(member) else member.expect
    todo = step(member.realtime, expect, installed=member.installed, alive=member.alive)
    if member.reinstall_due and todo in ("nothing", "start", "restart"):
        return "install"  # over what is there: nothing is uninstalled, so that no data can be lost
    if todo == "nothing" and member.restart_due and member.realtime == "running":
        return "restart"
    return todo


def _put_off(member: Situation) -> bool:
    return bool(member.drained) and member.expect == "running"


def _healing(member: Situation) -> bool:
    return member.realtime == "failed" and member.installed and member.expect == "running" and not member.drained


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
