"""What would be done, step by step: decisions and turns as in earnest, the success of every step taken for granted.

Pure.
"""

from collections.abc import Callable, Iterator

from paas_agent.contract import Action, Outcome, Status
from paas_controller.software import turns
from paas_controller.software.decide import Act, Decision, Wait
from paas_controller.software.instances import Instance
from paas_controller.software.members import Member, Moment

Step = dict[str, str]
"""`host`, `action` (`wait` where nothing can be done) and `why` (empty where nothing is in the way)."""
Decide = Callable[[Instance, Member], Decision]
_MOST_STEPS_A_MEMBER = 8
_RESULTS: dict[Action, Status] = {
    "install": "stopped",
    "start": "running",
    "restart": "running",
    "stop": "stopped",
    "uninstall": "not-installed",
}


def rehearse(
    instance: Instance,
    decide: Decide,
    obstacle: Callable[[Instance, Member], str],
    now: float,
) -> list[Step]:
    """The steps that lead to what is expected. `obstacle`: why a host cannot be reached now, which delays its steps."""
    steps: list[Step] = []
    for _ in range(_MOST_STEPS_A_MEMBER * len(instance.members)):
        due = next(_due(instance, decide), None)
        if due is None:
            break
        member, action = due
        why = "it is under way" if member.operation else obstacle(instance, member)
        steps.append({"host": member.host, "action": action, "why": why})
        instance = instance.with_member(_succeeded(instance, member, action, now))
    for member in instance.members:
        decision = decide(instance, member)
        if isinstance(decision, Wait):
            steps.append({"host": member.host, "action": "wait", "why": decision.why})
    return steps


def _due(instance: Instance, decide: Decide) -> Iterator[tuple[Member, Action]]:
    for member in instance.members:
        if member.operation and member.action:
            yield member, member.action
            continue
        decision = decide(instance, member)
        if isinstance(decision, Act):
            yield member, decision.action


def _succeeded(instance: Instance, member: Member, action: Action, now: float) -> Member:
    busy = member
    if not member.operation:
        busy = turns.ordered(member, action, "rehearsed", now, has_restart_script=instance.has_restart).member
    status = _RESULTS[action]
    outcome = Outcome(
        operation_id=busy.operation, type=instance.kind, name=instance.name, action=action, state="succeeded",
        status=status, installed=action != "uninstall", alive=status == "running",
    )  # fmt: skip
    done = turns.ended(busy, outcome, Moment(now)).member
    return turns.applied(done, action, instance.generation)
