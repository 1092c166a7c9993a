"""The pool of an app as a bar: a letter for each component that takes of it, and behind the bar what waits."""

from collections.abc import Iterable
from string import ascii_lowercase, ascii_uppercase

from rich.text import Text

from paas_client import show
from paas_client.app_models import Usage

_WIDTH = 40
_COLOURS = ("cyan", "green", "magenta", "blue", "yellow", "red")
_OTHERS, _FREE = "#", "·"
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
    """By which a component is known in the bar."""
    return _LETTERS[place % len(_LETTERS)]


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
    """So many cells for each; what is rounded is made up for by the next one."""
    text, sofar = Text(), 0.0
    for sign, amount in parts:
        sofar += amount
        text.append_text(_coloured(sign, max(0, round(sofar / cell) - len(text))))
    return text


def _coloured(sign: str, times: int) -> Text:
    style = "dim" if sign == _OTHERS else _COLOURS[_LETTERS.index(sign) % len(_COLOURS)]
    return Text(sign * times, style=style)
