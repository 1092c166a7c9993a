"""Order: members come up in the list's order and go down in reverse, the next one when the one before is there.
Instances come up after what they depend on, and go down before it.

Pure. A gate is a sentence that says what is waited for; empty means open.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from paas_controller.software.decide import Gates
from paas_controller.software.instances import Instance, Name
from paas_controller.software.members import Member
from paas_controller.software.states import Expect

Dependency = tuple[Name, Instance | None]
"""What an instance depends on, by name; None where there is no such instance."""
Drained = Callable[[str], str]
"""Why nothing is to run on a host: who drains it, and since when. Empty where it may."""
_Place = tuple[int, str]
"""A position in the list, and why the member there is waited for."""


@dataclass(frozen=True, slots=True)
class Line:
    """Whom an instance's members wait for, found once for all of them: each waits for it only from its own side.

    `needed` and `relied_on` say what is waited for around the instance.
    """

    first_not_up: _Place | None
    first_not_renewed: _Place | None
    last_not_down: _Place | None
    needed: str
    relied_on: str

    def gates(self, member: Member, host: str = "") -> Gates:
        """The gates of one member. `host`: why nothing can be sent there."""
        if member.leaving:
            return Gates(host=host)
        at = member.position
        up, renewed, down = self.first_not_up, self.first_not_renewed, self.last_not_down
        return Gates(
            host=host,
            bring_up=up[1] if up and up[0] < at else self.needed,
            take_down=down[1] if down and down[0] > at else self.relied_on,
            restart=renewed[1] if renewed and renewed[0] < at else self.needed,
        )


def nowhere(_: str) -> str:
    """No host is drained."""
    return ""


def line_of(
    instance: Instance,
    *,
    dependencies: Iterable[Dependency] = (),
    dependents: Iterable[Instance] = (),
    drained: Drained = nowhere,
) -> Line:
    """How far an instance's members have got. `dependencies` run before it, `dependents` are stopped before it is.

    Where running is expected only those go down whose hosts are drained, and they wait for nobody else.
    """
    expect, staying = instance.expect, instance.staying
    going = [member for member in staying if expect != "running" or drained(member.host)]
    down: Expect = "not-installed" if expect == "not-installed" else "stopped"
    return Line(
        first_not_up=_first_place((other.position, _not_up(other, expect, drained)) for other in staying),
        first_not_renewed=_first_place((other.position, _not_renewed(other, instance, drained)) for other in staying),
        last_not_down=_first_place((other.position, _not_down(other, down)) for other in reversed(going)),
        needed=_first(_not_there(*dependency) for dependency in dependencies) if expect == "running" else "",
        relied_on=_first(_still_up(dependent, drained if expect == "running" else None) for dependent in dependents),
    )


def _first_place(places: Iterable[_Place]) -> _Place | None:
    return next((place for place in places if place[1]), None)


def _first(reasons: Iterable[str]) -> str:
    return next(filter(None, reasons), "")


def _not_up(other: Member, expect: Expect, drained: Drained) -> str:
    if other.realtime == expect and not other.operation:
        return ""
    if other.held_back:
        return f"waits for {other.host}, which is held: {other.reason.removeprefix('held: ')}"
    return f"waits for {other.host}, which is {other.realtime}{_because(drained(other.host))}"


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""


def _not_down(other: Member, expect: Expect) -> str:
    down = ("not-installed", "unknow", "stopped") if expect == "stopped" else ("not-installed", "unknow")
    # What failed before it was installed has nothing to stop; it would wait for us to be there, and we for it.
    leftovers = expect == "stopped" and other.realtime == "failed" and not other.installed
    if (other.realtime in down or leftovers) and not other.operation:
        return ""
    return f"waits for {other.host}, which is {other.realtime}"


def _not_renewed(other: Member, instance: Instance, drained: Drained) -> str:
    there = other.realtime == instance.expect and not other.operation
    if there and other.restart_done >= other.restart_wanted and other.installed_generation >= instance.reinstall:
        return ""
    return f"waits for {other.host}, which goes first and is {other.realtime}{_because(drained(other.host))}"


def _not_there(name: Name, needed: Instance | None) -> str:
    if needed is None:
        return f"waits for {'/'.join(name)}, which it depends on and which does not exist"
    if needed.realtime == "running":
        return ""
    held = ", and held" if needed.held else ""
    return f"waits for {'/'.join(name)}, which it depends on and which is {needed.realtime}{held}"


def _still_up(dependent: Instance, only: Drained | None) -> str:
    """Whether any of its members is up, or any on the drained hosts only."""
    there = (member for member in dependent.members if only is None or only(member.host))
    if not any(_not_down(member, "stopped") for member in there):
        return ""
    return f"waits for {'/'.join(dependent.key)}, which depends on it and is {dependent.realtime}"
