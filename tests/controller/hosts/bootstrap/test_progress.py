"""How far an installation has come, and when it is tried again."""

import pytest

from paas_controller.hosts.bootstrap.progress import Failure, begun, done, entered, failed, read, written

OUT = Failure("h did not answer")


def test_the_waits_double_from_5_seconds_to_5_minutes() -> None:
    progress, waits = begun(None, 0.0), []
    for _ in range(9):
        progress = failed(progress, OUT, 100.0)
        assert progress.next_try
        waits.append(progress.next_try - 100.0)
        progress = begun(progress, 200.0)
    assert waits == [5, 10, 20, 40, 80, 160, 300, 300, 300]


def test_what_only_a_person_mends_is_tried_rarely() -> None:
    refused = Failure("h does not take this password", lasting=True)
    once = failed(begun(None, 0.0), refused, 0.0)
    assert once.next_try == 30.0
    assert failed(begun(once, 0.0), refused, 0.0).next_try == 300.0


def test_when_a_person_asks_former_failures_are_forgotten() -> None:
    tired = failed(failed(begun(None, 0.0), OUT, 0.0), OUT, 0.0)
    assert begun(tired, 1.0).failures == 2
    assert (begun(tired, 1.0, "ann").failures, begun(tired, 1.0, "ann").by) == (0, "ann")


def test_work_that_waits_is_told_the_phase_then_the_failure_then_nothing() -> None:
    progress = entered(begun(None, 0.0), "upload", 1.0)
    assert progress.obstacle("h:1") == "the agent is being installed on h:1: upload"
    told = failed(progress, OUT, 0.0).obstacle("h:1")
    assert told == (
        "the agent could not be installed on h:1: upload: h did not answer; tried again at 1970-01-01T00:00:05.000Z"
    )
    assert done(progress, "agent 1.0 runs as root", 2.0).obstacle("h:1") == ""


@pytest.mark.parametrize("progress", [None, begun(None, 5.0, "ann"), failed(begun(None, 0.0), OUT, 7.5)])
def test_it_is_kept_as_text(progress: object) -> None:
    assert read(written(progress)) == progress  # type: ignore[arg-type]
