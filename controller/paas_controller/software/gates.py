"""Order: members come up in the list's order and go down in reverse, the next one when the one before is there.

Pure. A gate is a sentence that says what is waited for; empty means open.
"""

from collections.abc import Iterable, Sequence

from paas_controller.software.decide import Gates
from paas_controller.software.members import Member
from paas_controller.software.states import Expect


def order_gates(members: Sequence[Member], member: Member, expect: Expect, *, host: str = "") -> Gates:
    """The gates of one member among its instance's members. `host`: why nothing can be sent to its host."""
    before = [other for other in members if other.position < member.position]
    after = [other for other in members if other.position > member.position]
    return Gates(
        host=host,
        bring_up=_first(_not_up(other, expect) for other in before),
        take_down=_first(_not_down(other, expect) for other in after),
        restart=_first(_not_restarted(other) for other in before),
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


def _not_restarted(other: Member) -> str:
    if other.restart_done >= other.restart_wanted and other.realtime == "running" and not other.operation:
        return ""
    return f"waits for {other.host}, which is to restart first and is {other.realtime}"
