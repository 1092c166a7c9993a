from paas_controller.base.clock import SystemClock, rfc3339


def test_a_moment_is_written_in_utc_with_milliseconds() -> None:
    assert rfc3339(1559097235.25) == "2019-05-29T02:33:55.250Z"
    assert rfc3339(0) == "1970-01-01T00:00:00.000Z"


def test_no_moment_stays_none() -> None:
    assert rfc3339(None) is None


def test_what_has_lasted_never_goes_back() -> None:
    clock = SystemClock()
    assert clock.monotonic() <= clock.monotonic()


def test_the_machines_clock_counts_from_the_epoch() -> None:
    assert SystemClock().time() > 1_700_000_000
