"""Output: numbered by offset, cut at the front, never a secret."""

from pathlib import Path

import pytest

from paas_agent import output
from tests.agent.harness import Orders


def test_a_secret_is_masked_wherever_a_reading_begins_or_ends(tmp_path: Path, order: Orders) -> None:
    path = tmp_path / "output"
    printed = b"a MYSQL123 b MYSQL123 c"
    masked = "a ******** b ******** c"
    path.write_bytes(printed)
    one = order(metadata={"APP_PASSWD": "MYSQL123"})
    for offset in range(len(printed) + 1):
        piece = output.read(path, one, offset, ended=True)
        assert (piece.data, piece.next) == (masked[offset:], len(printed))


def test_half_a_secret_is_held_back_until_the_rest_is_printed(tmp_path: Path, order: Orders) -> None:
    path = tmp_path / "output"
    one = order(metadata={"APP_PASSWD": "MYSQL123"})
    shown, offset = "", 0
    for end in range(1, 12):
        path.write_bytes(b"x MYSQL123 y"[:end])
        piece = output.read(path, one, offset, ended=False)
        shown, offset = shown + piece.data, piece.next
    assert shown == "x ******** "


def test_a_character_is_not_torn_apart(tmp_path: Path, order: Orders) -> None:
    path = tmp_path / "output"
    path.write_bytes("aü".encode()[:2])
    piece = output.read(path, order(), 0, ended=False)
    assert (piece.data, piece.next) == ("a", 1)
    path.write_bytes("aü".encode())
    assert output.read(path, order(), piece.next, ended=False).data == "ü"
    path.write_bytes(b"a\xff\xfe")
    assert output.read(path, order(), 0, ended=True).data == "a\ufffd\ufffd"


@pytest.mark.parametrize(("offset", "data", "begin"), [(0, "", 0), (5, "", 0), (10**15, "", 0)])
def test_what_was_not_printed_is_empty(tmp_path: Path, order: Orders, offset: int, data: str, begin: int) -> None:
    piece = output.read(tmp_path / "none", order(), offset, ended=False)
    assert (piece.data, piece.offset, piece.next) == (data, begin, begin)


def test_an_offset_beyond_the_end_is_the_end(tmp_path: Path, order: Orders) -> None:
    (tmp_path / "output").write_bytes(b"abc")
    piece = output.read(tmp_path / "output", order(), 10**15, ended=False)
    assert (piece.offset, piece.next, piece.data) == (3, 3, "")


def test_only_the_end_is_kept_and_a_marker_says_how_much_is_gone(tmp_path: Path, order: Orders) -> None:
    path = tmp_path / "output"
    path.write_bytes(b"x" * 1000 + b"y" * output.KEPT)
    piece = output.read(path, order(), 10, ended=True)
    assert (piece.offset, piece.next) == (1000, 1000 + output.KEPT)
    assert piece.data == "[… 990 bytes cut …]\n" + "y" * output.KEPT
