"""An instance with its members, as one value: what the board holds and a draft changes."""

from dataclasses import dataclass, replace

from paas_agent.contract import Kind
from paas_controller.software.decide import SelfHeal, Situation
from paas_controller.software.members import Member
from paas_controller.software.states import Expect, Realtime, summary

Name = tuple[str, str]
"""Kind and name."""


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
    reinstall: int = 0
    """What was installed of a generation before this one is to be installed anew."""
    revision: int = 1
    """Grows with every change of the spec or of the words around it: what a writer may overwrite."""
    labels: tuple[tuple[str, str], ...] = ()
    depends_on: tuple[Name, ...] = ()
    created_at: float = 0.0
    """UTC seconds."""

    @property
    def key(self) -> Name:
        return self.kind, self.name

    @property
    def staying(self) -> tuple[Member, ...]:
        """The members on the hosts of the list."""
        return tuple(member for member in self.members if not member.leaving)

    @property
    def realtime(self) -> Realtime:
        return summary(self.expect, (member.realtime for member in self.staying))

    @property
    def drifts(self) -> bool:
        """Whether what is there differs from what is expected, be it in state or in the spec it was made by."""
        return self.realtime != self.expect or any(map(self._behind, self.members))

    def drifts_on(self, member: Member) -> bool:
        return member.realtime != self.expect or self._behind(member)

    def _behind(self, member: Member) -> bool:
        return member.leaving or (member.installed and member.generation != self.generation)

    @property
    def gone(self) -> bool:
        """Nothing of it is there any more, and nothing is under way."""
        return all(map(self.gone_from, self.members))

    def gone_from(self, member: Member) -> bool:
        return member.realtime == "not-installed" and not member.operation

    def on(self, host: str) -> Member | None:
        for member in self.members:  # a generator would cost twice as much, for each instance in each report
            if member.host == host:
                return member
        return None

    def member(self, identifier: int) -> Member | None:
        return next((member for member in self.members if member.id == identifier), None)

    def with_member(self, changed: Member) -> "Instance":
        return replace(self, members=tuple(changed if member.id == changed.id else member for member in self.members))

    def situation(self, member: Member, drained: str = "", trouble: str = "") -> Situation:
        """What `decide` needs to know of one member: why nothing is to run on its host, and why its agent was not told
        of its operation yet."""
        hold = "held: hands off until it is released" if self.held else ""
        if member.cancelled:
            hold = "its operation was cancelled; it waits for a new wish"
        return Situation(
            expect="not-installed" if member.leaving else self.expect,
            realtime=member.realtime,
            installed=member.installed,
            alive=member.alive,
            cause=member.cause,
            self_heal=self.self_heal,
            operation=member.operation,
            trouble=trouble,
            hold=hold,
            drained=drained,
            restart_due=member.restart_wanted > member.restart_done,
            reinstall_due=member.installed and member.installed_generation < self.reinstall,
            retry_at=member.retry_at,
            reason=member.reason,
        )
