"""An instance with its members, as one value: what the board holds and a draft changes."""

from dataclasses import dataclass, replace

from paas_agent.contract import Kind
from paas_controller.software.decide import SelfHeal, Situation
from paas_controller.software.members import Member
from paas_controller.software.states import Expect, Realtime, summary


@dataclass(frozen=True, slots=True)
class Instance:
    """A database or a middleware. `version` grows with every change of it or of a member."""

    id: int
    kind: Kind
    name: str
    expect: Expect
    members: tuple[Member, ...]
    held: bool = False
    deleting: bool = False
    generation: int = 1
    version: int = 1
    self_heal: SelfHeal = "always"
    check_fall: int = 2
    check_rise: int = 1
    has_restart: bool = False

    @property
    def realtime(self) -> Realtime:
        return summary(self.expect, (member.realtime for member in self.members))

    @property
    def gone(self) -> bool:
        """Nothing of it is there any more, and nothing is under way."""
        return all(member.realtime == "not-installed" and not member.operation for member in self.members)

    def on(self, host: str) -> Member | None:
        return next((member for member in self.members if member.host == host), None)

    def member(self, identifier: int) -> Member | None:
        return next((member for member in self.members if member.id == identifier), None)

    def with_member(self, changed: Member) -> "Instance":
        return replace(self, members=tuple(changed if member.id == changed.id else member for member in self.members))

    def situation(self, member: Member) -> Situation:
        """What `decide` needs to know of one member."""
        hold = "held: hands off until PUT release" if self.held else ""
        if member.cancelled:
            hold = "its operation was cancelled; it waits for a new wish"
        return Situation(
            expect=self.expect,
            realtime=member.realtime,
            installed=member.installed,
            alive=member.alive,
            cause=member.cause,
            self_heal=self.self_heal,
            operation=member.operation,
            hold=hold,
            restart_due=member.restart_wanted > member.restart_done,
            retry_at=member.retry_at,
            reason=member.reason,
        )
