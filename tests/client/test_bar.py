"""The bar of a pool: every cell is somebody's, and none is lost by rounding."""

from string import ascii_lowercase, ascii_uppercase

from hypothesis import given
from hypothesis import strategies as st

from paas_client.app_models import Share, Usage
from paas_client.commands.apps.bar import bar, share_rows, told

AMOUNTS = st.integers(0, 400).map(lambda quarters: quarters / 4)


def usage(pool: float, *shares: tuple[float, float], others: float = 0) -> Usage:
    """Of each share, what it takes and what it waits for."""
    made = [
        Share(instance="i", component=f"c{number}", memory_units=takes, waiting_units=waits)
        for number, (takes, waits) in enumerate(shares)
    ]
    in_use = sum(takes for takes, _ in shares) + others
    free = max(0.0, pool - in_use)
    return Usage(memory_units=pool, in_use=in_use, free=free, others=others, sentence="", shares=made, max_ports=0)


def test_each_has_its_letter_and_what_waits_stands_behind() -> None:
    assert bar(usage(4, (1, 0), (2, 1))).plain == "[" + "A" * 10 + "B" * 20 + "·" * 10 + "] " + "B" * 10 + " waits"


def test_what_is_not_the_platforms_is_shown() -> None:
    assert bar(usage(2, (1, 0), others=1)).plain == "[" + "A" * 20 + "#" * 20 + "]"


def test_an_empty_pool_is_all_free() -> None:
    drawn = usage(5)
    assert bar(drawn).plain == "[" + "·" * 40 + "]"
    assert told(drawn) == "0 of 5 units in use, 5 free; a unit is 128 MiB"


def test_whoever_has_anything_has_a_cell() -> None:
    drawn = bar(usage(50, *[(1, 0)] * 48)).plain
    assert [drawn.count(each) > 0 for each in (ascii_uppercase + ascii_lowercase)[:48]] == [True] * 48
    assert bar(usage(1000, (990, 0), (1, 1))).plain == "[" + "A" * 39 + "B" + "] B waits"


def test_those_without_a_letter_have_one_sign_together() -> None:
    drawn = usage(100, *[(1, 0)] * 60)
    assert bar(drawn).plain.count("z") == bar(drawn).plain.count("A") == 1
    assert {str(sign) for sign, *_ in share_rows(drawn)[52:]} == {"+"}
    assert "+" in bar(drawn).plain


@given(st.lists(AMOUNTS, max_size=60), AMOUNTS)
def test_a_bar_of_any_pool_has_the_same_length(taken: list[float], free: float) -> None:
    pool = max(1, round(sum(taken) + free + 0.5))
    drawn = bar(usage(pool, *((takes, 0) for takes in taken))).plain
    assert drawn.endswith("]")
    assert 20 <= len(drawn) - 2 <= max(41, len(set(drawn)) - 2)
