"""What one observation makes of one member: a pure step from a member to a member, with the story of it.

`decide` says what to do; these say what has happened: an order went out, it got on, it ended; a report said what is
there; a host fell silent. Each returns a Turn: the member as it is now, the events to tell, the changes of the day.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from paas_agent.contract import (
    Action,
    Cause,
    Change,
    Check,
    Fault,
    InstanceReport,
    OperationState,
    Outcome,
    Phase,
    Status,
    judge,
)
from paas_controller.software.members import QUIET_AFTER, Member, Moment, Turn, blamed, move, settle
from paas_controller.software.states import IN_BETWEEN, Expect, Realtime, route


def _left(member: Member, after: Realtime, cause: Cause, reason: str, at: float, moment: Moment) -> Turn:
    """A member left its state by itself. A fall (or a start against a stop) soon after an attempt is its failure.

    What falls again without any attempt in between (a check that comes and goes) has not failed once more.
    """
    if after == member.realtime:
        return Turn(member)
    if member.realtime == "unknow" and after == "failed" and member.cause != "check":
        cause = member.cause  # silence does not change what made it fail
    turn = move(member, after, at, "report" if member.realtime == "unknow" else cause, reason)
    known = replace(turn.member, cause=cause)
    if member.realtime == "unknow" or not (after == "failed" or member.realtime == "stopped"):
        known = replace(known, settled_at=moment.now)
    elif moment.now - member.settled_at >= QUIET_AFTER:
        known = replace(known, failures=0, obstacles=0, retry_at=moment.now)
    elif member.attempted:
        known = replace(blamed(known, "software", reason, moment), attempted=False)
    return Turn(known, turn.story, turn.changes)


def wished(member: Member) -> Member:
    """A person acted: everything is tried anew, at once."""
    return replace(member, failures=0, obstacles=0, retry_at=0.0, cancelled=False)


def restart_wished(member: Member) -> Member:
    """A restart is wanted; while one waits already, it is the same one."""
    served = max(member.restart_done, member.serving if member.operation else 0)
    if member.restart_wanted > served:
        return wished(member)
    return replace(wished(member), restart_wanted=member.restart_wanted + 1)


def ordered(member: Member, action: Action, operation: str, now: float, *, has_restart_script: bool) -> Turn:
    """An operation begins."""
    path = route(action, has_restart_script=has_restart_script)
    busy = replace(member, operation=operation, action=action, route=path, serving=member.restart_wanted)
    sentence = f"{action} ordered" + (f" after: {member.reason}" if member.realtime == "failed" else "")
    return move(busy, path[0], now, "action", sentence)


def progressed(member: Member, phase: Phase, now: float) -> Turn:
    """The operation got on: crosses the states of its route up to this phase."""
    path = member.route
    reached = path.index(phase) if phase in path else len(path) - 1 if phase == "checking" else 0
    if member.realtime == "unknow":
        return move(member, path[reached], now, "report", f"heard again during {member.action}")
    return _cross(member, path[path.index(member.realtime) + 1 : reached + 1], now)


def _cross(member: Member, states: Sequence[Realtime], now: float) -> Turn:
    turn = Turn(member)
    for state in states:
        turn = turn.then(move(turn.member, state, now, "action", f"{member.action} goes on"))
    return turn


def ended(member: Member, outcome: Outcome, moment: Moment) -> Turn:
    """The operation under way ended; what was there right after is what counts."""
    turn = Turn(member)
    now, path = moment.now, member.route
    if outcome.state == "succeeded" and member.realtime in path:
        turn = _cross(member, path[path.index(member.realtime) + 1 :], now)
    sentence = outcome.message.partition("\n")[0] or f"{outcome.action} {outcome.state}"
    turn = turn.then(move(turn.member, outcome.status, now, "action", sentence))
    turn = settle(turn, now, "action")
    free = replace(
        turn.member, operation="", action="", route=(), installed=outcome.installed, alive=outcome.alive, cause="action"
    )
    return Turn(_accounted(free, outcome, moment), turn.story, turn.changes)


def applied(member: Member, action: Action, generation: int) -> Member:
    """An action went well: which generation of the spec stands there now."""
    if action == "install":
        return replace(member, generation=generation, installed_generation=generation)
    return replace(member, generation=generation) if action in ("start", "restart") else member


def _accounted(member: Member, outcome: Outcome, moment: Moment) -> Member:
    if outcome.state == "succeeded":
        served = outcome.action in ("start", "restart")
        done = max(member.restart_done, member.serving) if served else member.restart_done
        return replace(member, obstacles=0, retry_at=0.0, settled_at=moment.now, attempted=True, restart_done=done)
    if outcome.state == "cancelled":
        return _called_off(member, outcome.action)
    fault: Fault = "environment" if outcome.state == "interrupted" else outcome.fault or "software"
    return blamed(member, fault, member.reason, moment)


def _called_off(member: Member, action: str) -> Member:
    """Nobody waits for it any more: a restart that was called off is not done at the next wish either."""
    done = max(member.restart_done, member.serving) if action == "restart" else member.restart_done
    return replace(member, cancelled=True, restart_done=done)


def changed(member: Member, change: Change, moment: Moment) -> Turn:
    """The agent tells of a change it saw, perhaps while the controller was away; each is told once."""
    if member.operation or member.realtime in IN_BETWEEN:
        return Turn(member)
    turn = Turn(member)
    if member.realtime == "unknow":
        turn = move(member, change.before, change.at, "report", f"heard again: it was {change.before} until then")
    return turn.then(_left(turn.member, change.after, change.cause, change.reason, change.at, moment))


def known(member: Member, seen: InstanceReport) -> bool:
    """Whether a report says nothing new: the answer to nearly every one, so it is looked at first."""
    return (
        seen.status == member.realtime and seen.alive == member.alive and seen.installed == member.installed
        and seen.operation is None and not member.operation and _doubted(member, seen) == member.reason
    )  # fmt: skip


def _doubted(member: Member, seen: InstanceReport) -> str:
    """The member's reason; while all goes well, that the agent does not believe the pid file."""
    well = member.realtime == "running" and not member.failures
    return seen.reason if well and seen.reason else member.reason


def observed(member: Member, seen: InstanceReport, moment: Moment) -> Turn:
    """A report says what is there. While an operation is under way only its progress counts."""
    if member.operation:
        if seen.operation is None or seen.operation.operation_id != member.operation:
            return Turn(member)
        return progressed(member, seen.operation.phase, moment.now)
    if seen.operation is not None:
        return Turn(member)
    facts = replace(member, installed=seen.installed, alive=seen.alive)
    if seen.status == member.realtime:
        return Turn(replace(facts, reason=_doubted(member, seen)))
    cause: Cause = "exit" if seen.alive is False else "check"
    return _left(facts, seen.status, cause, seen.reason or f"the agent reports {seen.status}", moment.now, moment)


def fault_of(state: OperationState) -> Fault:
    """Whose fault it is that an operation is given up in this state; `failed` is one that its agent will never take."""
    return "software" if state == "failed" else "environment"


def gave_up(member: Member, state: OperationState, sentence: str, moment: Moment) -> Turn:
    """The operation is taken for ended although its agent did not say how; the next report tells what is there."""
    turn = Turn(member)
    began = state not in ("cancelled", "failed")
    if member.realtime != "unknow":
        there = "failed" if began else member.stable
        turn = settle(move(member, there, moment.now, "action", sentence), moment.now, "action")
    cause: Cause = "action" if began else member.cause
    free = replace(turn.member, operation="", action="", route=(), cause=cause)
    if state == "cancelled":
        return Turn(_called_off(free, member.action), turn.story, turn.changes)
    return Turn(blamed(free, fault_of(state), sentence, moment), turn.story, turn.changes)


def silent(member: Member, now: float) -> Turn:
    """The host was not heard of for too long. Nothing else is known, so nothing else is said."""
    if member.realtime == "unknow":
        return Turn(member)
    turn = move(member, "unknow", now, "silence", f"{member.host} has not been heard of")
    if member.realtime == "failed":
        return turn
    quiet = member.realtime == "running" and now - member.settled_at >= QUIET_AFTER
    known = replace(turn.member, failures=0, obstacles=0) if quiet else turn.member
    return replace(turn, member=replace(known, cause="check"))


def checked(member: Member, check: Check, expect: Expect, limits: tuple[int, int], moment: Moment) -> Turn:
    """A check result came by itself; `limits` are check_fall and check_rise. During an operation it says nothing."""
    if member.operation or not member.installed or member.realtime == "not-installed":
        return Turn(member)
    if member.realtime == "unknow":
        after: Status = "running" if check.good else "stopped" if expect == "stopped" else "failed"
        return _left(member, after, "check", check.msg, moment.now, moment)
    fall, rise = limits
    judged = judge(cast(Status, member.realtime), installed=True, alive=member.alive, check=check, fall=fall, rise=rise)
    return _left(member, *judged, moment.now, moment) if judged else Turn(member)
