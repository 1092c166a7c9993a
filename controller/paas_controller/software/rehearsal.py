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
Decide = Callable[[Member], Decision]
"""What is to be done about each member of one instance."""
Deciding = Callable[[Instance], Decide]
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
    deciding: Deciding,
    obstacle: Callable[[Instance, Member], str],
    now: float,
) -> Iterator[Step]:
    """The steps that lead to what is expected. `obstacle`: why a host cannot be reached now, which delays its steps.

    Members are brought up from the first to the last and taken down from the last to the first, so each is looked at
    there and back, until there is nothing left to do.
    """
    decide, places = deciding(instance), range(len(instance.members))
    left, idle = _MOST_STEPS_A_MEMBER * len(places), False
    while not idle:
        idle = True
        for place in places:
            while left and (action := _due(instance.members[place], decide)):
                member = instance.members[place]
                why = "it is under way" if member.operation else obstacle(instance, member)
                yield {"host": member.host, "action": action, "why": why}
                instance = instance.with_member(_succeeded(instance, member, action, now))
                decide, left, idle = deciding(instance), left - 1, False
        places = places[::-1]
    for member in instance.members:
        decision = decide(member)
        if isinstance(decision, Wait):
            yield {"host": member.host, "action": "wait", "why": decision.why}


def _due(member: Member, decide: Decide) -> Action | None:
    if member.operation and member.action:
        return member.action
    decision = decide(member)
    return decision.action if isinstance(decision, Act) else None


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
