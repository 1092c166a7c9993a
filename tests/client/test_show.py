"""How answers look: on a terminal that is too narrow, and for programs."""

import io
import json
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from rich.console import Console

from paas_client import show
from paas_client.commands.reading import next_try
from paas_client.models import Member, Operation, Progress

NOW = datetime(2026, 6, 28, 12, tzinfo=UTC)
DOCUMENT = {"name": "db7", "at": "2019-05-29 10:33:55", "told": "größer\nzweitens", "none": None}


def test_only_the_last_column_is_broken_where_the_terminal_is_too_narrow() -> None:
    console = Console(file=io.StringIO(), width=60)
    console.print(show.drawn(("OPERATION", "MESSAGE"), [("21a690a5f4a840829d46fe0a6a32b846", "word " * 20)]))
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert lines[1].startswith("21a690a5f4a840829d46fe0a6a32b846  word")
    assert len(lines) > 3
    assert max(map(len, lines)) <= 60


def test_a_state_that_stayed_is_said_once() -> None:
    assert show.crossed("running", "running").plain == "running"
    assert show.crossed("running", "failed").plain == "running → failed"


def test_a_document_is_the_same_as_json_and_as_yaml(capsys: pytest.CaptureFixture[str]) -> None:
    def never() -> None:
        pytest.fail("this is for people")

    show.answer(show.Form.json, DOCUMENT, never)
    assert json.loads(capsys.readouterr().out) == DOCUMENT
    show.answer(show.Form.yaml, DOCUMENT, never)
    assert yaml.safe_load(capsys.readouterr().out) == DOCUMENT


@pytest.mark.parametrize(
    ("done", "total", "told"),
    [(0, 0, "fetching"), (2_500_000, 0, "fetching 2.5 MB"), (1_000_000, 4_000_000, "fetching 1.0 of 4.0 MB, 25 %")],
)
def test_what_is_fetched_is_told_in_bytes_and_percent(done: int, total: int, told: str) -> None:
    assert Progress(phase="fetching", bytes_done=done, bytes_total=total).said == told


@pytest.mark.parametrize(
    ("seconds", "operation", "told"),
    [(40, None, "in 40 s"), (-1, None, "-"), (None, None, "-"), (40, "an operation", "-")],
)
def test_the_next_try_is_told_while_it_is_still_to_come(seconds: int | None, operation: str | None, told: str) -> None:
    at = None if seconds is None else NOW + timedelta(seconds=seconds)
    member = Member(host="h:1", realtime="failed", installed=True, retry_at=at, operation=operation)
    assert next_try(member, NOW).endswith(told)


@pytest.mark.parametrize(
    ("state", "fault", "exit_code", "started", "printed"),
    [
        ("succeeded", "", 0, NOW, True),
        ("failed", "software", 3, NOW, True),
        ("running", "", None, None, True),
        ("timed-out", "", None, None, True),
        ("failed", "environment", None, NOW, False),
        ("failed", "", None, None, False),
    ],
)
def test_what_failed_before_a_script_ran_has_printed_nothing(
    state: str, fault: str, exit_code: int | None, started: datetime | None, printed: bool
) -> None:
    operation = Operation(
        id="o", kind="database", name="db7", host="h:1", action="start", state=state, fault=fault, exit_code=exit_code,
        created_at=NOW, started_at=started,
    )  # fmt: skip
    assert operation.may_have_printed is printed
