from contextlib import suppress
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paas_controller.base.errors import Invalid
from paas_controller.software.days import Days

SHANGHAI, UTC_DAYS = Days("Asia/Shanghai"), Days("UTC")


def moment(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def test_a_change_belongs_to_the_day_of_the_controllers_zone() -> None:
    late = moment("2026-06-27T16:00:00")
    assert SHANGHAI.day_of(late) == "2026-06-28"
    assert SHANGHAI.day_of(late - 0.001) == "2026-06-27"
    assert UTC_DAYS.day_of(late) == "2026-06-27"


def test_the_day_that_the_clock_is_set_back_has_25_hours() -> None:
    berlin, midnight = Days("Europe/Berlin"), moment("2026-10-24T22:00:00")
    assert [berlin.day_of(midnight + hour * 3600) for hour in (0, 24, 25)] == ["2026-10-25", "2026-10-25", "2026-10-26"]


def test_create_at_is_written_as_the_seed_writes_it() -> None:
    assert SHANGHAI.written(moment("2019-05-29T02:33:55")) == "2019-05-29 10:33:55"


@pytest.mark.parametrize(
    ("now", "name", "day"),
    [
        ("2026-06-28T12:00:00", "0628", "2026-06-28"),
        ("2026-06-28T12:00:00", "0629", "2025-06-29"),
        ("2026-06-28T12:00:00", "0627", "2026-06-27"),
        ("2026-01-01T00:00:00", "1231", "2025-12-31"),
        ("2026-06-28T12:00:00", "0229", "2024-02-29"),
        ("2103-06-28T12:00:00", "0229", "2096-02-29"),
        ("2026-06-28T12:00:00", "2019-05-29", "2019-05-29"),
        ("2026-06-28T12:00:00", "2031-05-29", "2031-05-29"),
    ],
)
def test_mmdd_is_the_latest_such_day_today_included(now: str, name: str, day: str) -> None:
    assert UTC_DAYS.named(name, moment(now)) == day


def test_today_is_today_where_the_controller_is() -> None:
    now = moment("2026-06-27T16:30:00")
    assert SHANGHAI.named("0628", now) == "2026-06-28"
    assert UTC_DAYS.named("0628", now) == "2025-06-28"


@pytest.mark.parametrize(
    "name",
    ["", "628", "00628", "1301", "0230", "0000", "2026-6-28", "2026-02-30", "0000-01-01", "20260628", "today", "-628",
     "+628", " 0628", "0628\n", "2026-06-28\n", "٠٦٢٨", "06/28", "2026-W26-7"],
)  # fmt: skip
def test_anything_else_is_invalid_and_shows_how_a_day_is_written(name: str) -> None:
    with pytest.raises(Invalid, match="a day is MMDD, as in 0628, or YYYY-MM-DD"):
        UTC_DAYS.named(name, moment("2026-06-28T12:00:00"))


@settings(deadline=None)
@given(st.text(max_size=12) | st.from_regex(r"\d{4}(-\d{2}-\d{2})?", fullmatch=True))
def test_a_name_is_a_day_or_invalid_and_never_another_error(name: str) -> None:
    with suppress(Invalid):
        assert date.fromisoformat(UTC_DAYS.named(name, moment("2026-06-28T12:00:00")))


@settings(deadline=None)
@given(st.integers(0, 7_000_000_000))
def test_the_day_of_now_is_named_by_its_own_mmdd(now: int) -> None:
    today = UTC_DAYS.day_of(now)
    assert UTC_DAYS.named(today[5:].replace("-", ""), now) == today
