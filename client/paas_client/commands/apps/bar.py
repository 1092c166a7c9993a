"""The pool of an app as a bar: a letter for each component that takes of it, and behind the bar what waits."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from string import ascii_lowercase, ascii_uppercase

from rich.text import Text

from paas_client import show
from paas_client.app_models import Usage

_WIDTH = 40
_COLOURS = ("cyan", "green", "magenta", "blue", "yellow", "red")
_OTHERS, _FREE, _REST = "#", "·", "+"
_LETTERS = ascii_uppercase + ascii_lowercase


def bar(usage: Usage) -> Text:
    """`[AAAABB##····] CC`: who has what, what others have, what is free; what waits stands behind it."""
    cell = usage.memory_units / _WIDTH or 1.0
    if usage.memory_units <= _WIDTH:
        cell = 1 / max(1, int(_WIDTH / max(usage.memory_units, 1)))
    taken = [(letter(place), share.memory_units) for place, share in enumerate(usage.shares)]
    drawn = Text("[").append_text(_cells([*taken, (_OTHERS, usage.others)], cell))
    drawn.append(_FREE * max(0, round(usage.memory_units / cell) - len(drawn) + 1), "dim").append("]")
    waiting = _cells(((letter(place), share.waiting_units) for place, share in enumerate(usage.shares)), cell)
    return drawn.append(" ").append_text(waiting[:_WIDTH]).append(" waits") if waiting else drawn


def letter(place: int) -> str:
    """By which a component is known in the bar; those for whom no letter is left have one sign together."""
    return _LETTERS[place] if place < len(_LETTERS) else _REST


def share_rows(usage: Usage) -> list[tuple[str | Text, ...]]:
    """A line for each component, and one for what is none of the platform's."""
    rows: list[tuple[str | Text, ...]] = [
        (_coloured(letter(place), 1), share.name, units(share.memory_units) or "-", units(share.waiting_units) or "-")
        for place, share in enumerate(usage.shares)
    ]
    return [*rows, (_OTHERS, "others", units(usage.others), "-")] if usage.others else rows


def told(usage: Usage) -> str:
    """How much of it is left, in words."""
    used = f"{units(usage.in_use) or '0'} of {units(usage.memory_units)} units in use"
    return f"{used}, {units(usage.free) or '0'} free; a unit is 128 MiB"


def units(number: float) -> str:
    """As `3` or `0.5`; empty for none."""
    return f"{round(number, 2):g}" if number else ""


def draw(usage: Usage) -> None:
    """The bar, and what its letters mean."""
    show.console().print(bar(usage), Text(told(usage)), sep="\n")
    if rows := share_rows(usage):
        show.table(("", "INSTANCE/COMPONENT", "UNITS", "WAITS FOR"), rows)


def _cells(parts: Iterable[tuple[str, float]], cell: float) -> Text:
    """So many cells for each sign."""
    amounts: dict[str, float] = defaultdict(float)
    for sign, amount in parts:
        amounts[sign] += amount
    counts = _counts(list(amounts.values()), cell)
    return Text().join(_coloured(sign, count) for sign, count in zip(amounts, counts, strict=True))


def _counts(amounts: Sequence[float], cell: float) -> list[int]:
    """One for whoever has anything. What is rounded is made up for by those who have most."""
    counts = [max(1, round(amount / cell)) if amount > 0 else 0 for amount in amounts]
    over = sum(counts) - max(round(sum(amounts) / cell), sum(map(bool, counts)))
    for _ in range(abs(over)):
        counts[counts.index(max(counts))] -= 1 if over > 0 else -1
    return counts


def _coloured(sign: str, times: int) -> Text:
    plain = sign in (_OTHERS, _REST)
    return Text(sign * times, style="dim" if plain else _COLOURS[_LETTERS.index(sign) % len(_COLOURS)])
