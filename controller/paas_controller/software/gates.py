"""Order: members come up in the list's order and go down in reverse, the next one when the one before is there.
Instances come up after what they depend on, and go down before it.

Pure. A gate is a sentence that says what is waited for; empty means open.
"""

from collections.abc import Iterable

from paas_controller.software.decide import Gates
from paas_controller.software.instances import Instance, Name
from paas_controller.software.members import Member
from paas_controller.software.states import Expect

Dependency = tuple[Name, Instance | None]
"""What an instance depends on, by name; None where there is no such instance."""


def order_gates(
    instance: Instance,
    member: Member,
    *,
    dependencies: Iterable[Dependency] = (),
    dependents: Iterable[Instance] = (),
    host: str = "",
) -> Gates:
    """The gates of one member among its instance's members and around its instance.

    `dependencies` must run before it, `dependents` are stopped before it is. `host`: why nothing can be sent there.
    """
    if member.leaving:
        return Gates(host=host)
    before = [other for other in instance.staying if other.position < member.position]
    after = [other for other in instance.staying if other.position > member.position]
    needed = _first(_not_there(name, needs) for name, needs in dependencies) if instance.expect == "running" else ""
    return Gates(
        host=host,
        bring_up=_first(_not_up(other, instance.expect) for other in before) or needed,
        take_down=_first(_not_down(other, instance.expect) for other in after) or _first(map(_still_up, dependents)),
        restart=_first(_not_renewed(other, instance) for other in before) or needed,
    )


def _first(reasons: Iterable[str]) -> str:
    return next(filter(None, reasons), "")


def _not_up(other: Member, expect: Expect) -> str:
    if other.realtime == expect and not other.operation:
        return ""
    if other.held_back:
        return f"waits for {other.host}, which is held: {other.reason}"
    return f"waits for {other.host}, which is {other.realtime}"


def _not_down(other: Member, expect: Expect) -> str:
    down = ("not-installed", "unknow", "stopped") if expect == "stopped" else ("not-installed", "unknow")
    # What failed before it was installed has nothing to stop; it would wait for us to be there, and we for it.
    leftovers = expect == "stopped" and other.realtime == "failed" and not other.installed
    if (other.realtime in down or leftovers) and not other.operation:
        return ""
    return f"waits for {other.host}, which is {other.realtime}"


def _not_renewed(other: Member, instance: Instance) -> str:
    there = other.realtime == instance.expect and not other.operation
    if there and other.restart_done >= other.restart_wanted and other.installed_generation >= instance.reinstall:
        return ""
    return f"waits for {other.host}, which goes first and is {other.realtime}"


def _not_there(name: Name, needed: Instance | None) -> str:
    if needed is None:
        return f"waits for {'/'.join(name)}, which it depends on and which does not exist"
    if needed.realtime == "running":
        return ""
    held = ", and held" if needed.held else ""
    return f"waits for {'/'.join(name)}, which it depends on and which is {needed.realtime}{held}"


def _still_up(dependent: Instance) -> str:
    if not any(_not_down(member, "stopped") for member in dependent.members):
        return ""
    return f"waits for {'/'.join(dependent.key)}, which depends on it and is {dependent.realtime}"
