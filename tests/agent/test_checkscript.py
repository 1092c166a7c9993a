"""What a check prints, however strange: read in little time, and told to everybody as text."""

import json
import os
from typing import Any

import msgspec
import pytest

from paas_agent.checkscript import KEPT_OUTPUT, Result, read_result
from paas_agent.download import version_of
from paas_agent.partial import Version
from tests.agent.harness import GOOD, Agent, Controller, Orders, Repository

HALF = '"\\ud800"'
"""Half a character, which JSON can name and UTF-8 cannot hold."""
STRANGE = [
    (f'{{"code": "1", "msg": {HALF}}}', Result("1", "?")),
    (f'{{"code": "0", "msg": {{{HALF}: 1}}}}', Result("0", '{"?": 1}')),
    (f'{{"code": {HALF}, "msg": "x"}}', Result("?", "x")),
]


@pytest.mark.parametrize(("printed", "result"), STRANGE)
def test_what_is_no_text_is_told_as_a_question_mark(printed: str, result: Result) -> None:
    assert read_result(printed, "", 0) == result
    assert msgspec.json.encode(result)


async def test_a_check_that_says_half_a_character_is_a_failed_check_and_no_more(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.files["half.sh"] = b"""printf '{"code": "1", "msg": "\\\\ud800"}'"""
    other = order("op", name="other", believed="stopped")
    repository.put(check=GOOD)
    status, result = await agent.send("check", order(believed="running", check="half.sh", check_fall=1))
    assert (status, result) == (200, {"code": "1", "msg": "?"})
    await controller.status("failed")
    await agent.send("check", other)
    await controller.status("running", "other")


def test_a_message_as_deep_as_can_be_read_can_be_told() -> None:
    codes = {read_result(f'{{"code": "0", "msg": {"[" * deep}{"]" * deep}}}', "", 0).code for deep in range(800, 1000)}
    assert codes == {"0", "no-result"}


NESTED = ['{"":', "[{", '{"a":[', '{"', '{"\\', '{"{"', "{"]


@pytest.mark.parametrize("piece", NESTED)
def test_brackets_without_end_are_read_but_once(piece: str, monkeypatch: pytest.MonkeyPatch) -> None:
    decode, read = json.JSONDecoder.raw_decode, 0

    def counted(decoder: json.JSONDecoder, text: str, begin: int = 0) -> tuple[Any, int]:
        nonlocal read
        try:
            return decode(decoder, text, begin)
        except json.JSONDecodeError as error:
            read += error.pos - begin
            raise
        except RecursionError:
            read += text.index("\n", begin) - begin
            raise

    monkeypatch.setattr(json.JSONDecoder, "raw_decode", counted)
    printed = (piece * KEPT_OUTPUT)[:KEPT_OUTPUT]
    assert read_result(f'{printed}\n{{"code": "0"}}', "", 0) == Result("0", "")
    assert read <= 2 * KEPT_OUTPUT


def test_an_object_within_what_is_none_counts() -> None:
    assert read_result('{"code": "1"} {"x": {"code": "0", "msg": {}}, ', "", 0) == Result("0", "{}")


def test_a_version_that_is_no_text_is_none() -> None:
    assert version_of({"ETag": os.fsdecode(b'"\xff"')}) == Version()
