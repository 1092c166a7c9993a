"""What has become of a wish: pure questions to a record."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from paas_client.models import Member, Operation, Record


@dataclass(frozen=True)
class Before:
    """What was known just before the wish: the last operation of each host, and the last event."""

    expect: str = ""
    operations: Mapping[str, Operation] = field(default_factory=dict)
    event: int = 0


def before(record: Record, event: int) -> Before:
    last = {member.host: member.last_operation for member in record.members if member.last_operation}
    return Before(record.status.expect, last, event)


@dataclass(frozen=True)
class Wish:
    """`goal` is the state that every member must reach; a restart must also have been done on each, and so must what
    applies this generation of the spec. A deletion has come true when there is no record any more.
    """

    goal: str
    before: Before
    restart: bool = False
    generation: int = 0
    deletion: bool = False

    def began(self, operation: Operation) -> bool:
        """Whether it began after the wish."""
        known = self.before.operations.get(operation.host)
        return known is None or known.id != operation.id

    def concerns(self, operation: Operation) -> bool:
        """Whether it runs for this wish: it began after it, or was under way for the same expectation already."""
        if self.began(operation):
            return True
        return self.goal == self.before.expect and not self.before.operations[operation.host].ended


@dataclass(frozen=True)
class Obstacle:
    """Why a wish does not come true, as a sentence; the operation that failed, where its script has run."""

    sentence: str
    operation: str = ""
    held: bool = False


def fulfilled(record: Record, wish: Wish) -> bool:
    return not wish.deletion and all(there(member, wish) for member in record.members)


def there(member: Member, wish: Wish) -> bool:
    if member.realtime != wish.goal or member.operation or member.applied_generation < wish.generation:
        return False
    last = member.last_operation
    return not wish.restart or bool(last and wish.began(last) and last.state == "succeeded")


def obstacle(record: Record, wish: Wish) -> Obstacle | None:
    """What keeps the wish from coming true; None where it still may."""
    if record.status.expect != wish.goal:
        return Obstacle(f"{record.name} is expected {record.status.expect} now: somebody else wished for that")
    for member in record.members:
        last = member.last_operation
        if last and last.ended and last.state != "succeeded" and not member.operation and wish.concerns(last):
            # Below its first line stands what the script printed, of which that line has the end: the log is for it.
            why = (last.message or member.reason).partition("\n")[0]
            sentence = f"{last.action} on {last.host} {last.state}: {why}"
            return Obstacle(sentence, last.id if last.may_have_printed else "")
    if record.held and not fulfilled(record, wish):
        return Obstacle(f"{record.name} is held, and nothing is done until it is released", held=True)
    return None


def left_alone(record: Record) -> str:
    """Why, in a line, a member failed although nothing is under way or due; empty where none did."""
    if any(member.operation or member.retry_at for member in record.members):
        return ""
    why = next((member.reason or "failed" for member in record.members if member.realtime == "failed"), "")
    return why.partition("\n")[0]
