"""A draft: changes to any number of instances, collected in memory before they are committed together."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from paas_controller.software.instances import Instance
from paas_controller.software.members import Member, Moved, Turn

Write = Callable[[Connection], object]


@dataclass(frozen=True, slots=True)
class Told:
    """A step of the story and whose it is."""

    instance: Instance
    host: str
    moved: Moved


class Draft:
    """Changes to any number of instances, collected before they are committed together."""

    def __init__(self) -> None:
        self.edits: dict[int, tuple[Instance, Instance]] = {}
        self.story: list[Told] = []
        self.changes: list[Told] = []
        self.writes: list[Write] = []
        self.afterwards: list[Callable[[], None]] = []
        """Done once the draft is committed."""
        self.closed = False
        """Nothing may be decided on it before it is committed."""

    def now(self, instance: Instance) -> Instance:
        """The instance as this draft has it."""
        return self.edits[instance.id][1] if instance.id in self.edits else instance

    def put(self, instance: Instance, after: Instance) -> None:
        before = self.edits[instance.id][0] if instance.id in self.edits else instance
        self.edits[instance.id] = (before, replace(after, version=before.version + 1))

    def take(self, instance: Instance, member: Member, turn: Turn) -> None:
        """Takes a member's turn; one that changed nothing leaves no trace."""
        if turn.member == member and not turn.story and not turn.changes:
            return
        self.put(instance, self.now(instance).with_member(turn.member))
        self.story.extend(Told(instance, member.host, moved) for moved in turn.story)
        self.changes.extend(Told(instance, member.host, moved) for moved in turn.changes)

    def __bool__(self) -> bool:
        return bool(self.edits or self.writes)
