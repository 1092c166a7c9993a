"""What has become of a wish, told from a record alone."""

from datetime import UTC, datetime
from typing import Any

from paas_client.models import Member, Operation, Record
from paas_client.wait import Before, Wish, before, fulfilled, left_alone, obstacle

HOST = "10.0.0.1:3335"
OLD, NEW = "old", "new"


def operation(identifier: str, state: str, action: str = "start", message: str = "why") -> Operation:
    at = datetime(2026, 11, 21, tzinfo=UTC)
    return Operation(
        id=identifier, kind="database", name="db7", host=HOST, action=action, state=state, created_at=at,
        message=message,
    )  # fmt: skip


def record(realtime: str, last: Operation | None = None, *, expect: str = "running", **more: Any) -> Record:
    busy = last.id if last and not last.ended else None
    member = Member(host=HOST, realtime=realtime, installed=True, operation=busy, last_operation=last, **more)
    app: dict[str, Any] = {"repo_url": "http://r/", "status": {"expect": expect, "realtime": realtime}}
    return Record.model_validate(
        {"name": "db7", "type": "database", "app": app, "generation": 1, "members": [member.model_dump()]}
    )


def wish(known: Record | None = None, goal: str = "running", *, restart: bool = False) -> Wish:
    return Wish(goal, before(known, 0) if known else Before(), restart)


def test_what_runs_already_needs_no_operation() -> None:
    known = record("running", operation(OLD, "succeeded"))
    assert fulfilled(known, wish(known))


def test_a_restart_needs_an_operation_of_its_own() -> None:
    known = record("running", operation(OLD, "succeeded"))
    restart = wish(known, restart=True)
    assert not fulfilled(known, restart)
    assert not fulfilled(record("restarting", operation(NEW, "running", "restart")), restart)
    assert fulfilled(record("running", operation(NEW, "succeeded", "restart")), restart)


def test_a_state_that_is_reached_does_not_count_while_an_operation_runs() -> None:
    assert not fulfilled(record("running", operation(NEW, "running", "restart")), wish())


def test_a_failure_from_before_the_wish_is_no_obstacle() -> None:
    known = record("failed", operation(OLD, "failed"))
    assert obstacle(known, wish(known)) is None
    found = obstacle(record("failed", operation(NEW, "timed-out")), wish(known))
    assert found
    assert (found.sentence, found.operation) == (f"start on {HOST} timed-out: why", NEW)


def test_a_reason_is_told_once_though_the_output_below_it_ends_with_it() -> None:
    last = operation(NEW, "failed", message="start.sh ended with exit code 1: no disk\nlooking for one\nno disk")
    found = obstacle(record("failed", last), wish())
    assert found
    assert found.sentence == f"start on {HOST} failed: start.sh ended with exit code 1: no disk"


def test_what_was_under_way_for_the_same_expectation_counts() -> None:
    known = record("starting", operation(OLD, "running"))
    assert obstacle(record("failed", operation(OLD, "failed")), wish(known))


def test_what_was_under_way_for_another_expectation_does_not_count() -> None:
    known = record("starting", operation(OLD, "running"))
    after = record("failed", operation(OLD, "failed"), expect="stopped")
    assert obstacle(after, wish(known, "stopped")) is None


def test_another_expectation_is_an_obstacle() -> None:
    found = obstacle(record("running", expect="stopped"), wish())
    assert found
    assert "is expected stopped now" in found.sentence


def test_a_failed_member_is_left_alone_only_when_nothing_is_due() -> None:
    assert left_alone(record("failed", operation(OLD, "succeeded"), reason="check 7")) == "check 7"
    assert left_alone(record("failed", reason="check.sh: no disk\nlooking for one\nno disk")) == "check.sh: no disk"
    assert left_alone(record("failed", operation(NEW, "running"))) == ""
    assert left_alone(record("failed", retry_at=datetime(2026, 11, 21, tzinfo=UTC))) == ""
    assert left_alone(record("running")) == ""
