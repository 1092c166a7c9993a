"""Who waits for something goes on waiting while the controller is away."""

import pytest

from paas_client.commands import patience
from paas_client.errors import ClientError, NotFound, Unavailable, Unreachable
from paas_client.progress import Progress


async def test_a_controller_that_is_away_is_asked_again_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(patience, "_AGAIN_AFTER", 0)
    errors: list[ClientError] = [Unreachable("nobody answers"), Unavailable("not now", status=503)]

    async def question() -> str:
        if errors:
            raise errors.pop(0)
        return "here"

    with Progress() as progress:
        assert await patience.patiently(question, progress) == "here"
    said = capsys.readouterr().err
    assert "nobody answers; trying again" in said
    assert "not now; trying again" in said


async def test_what_was_answered_is_not_asked_again() -> None:
    async def question() -> str:
        raise NotFound("there is no such host", status=404)

    with Progress() as progress, pytest.raises(NotFound):
        await patience.patiently(question, progress)
