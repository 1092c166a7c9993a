"""How answers look on a terminal and in a pipe: tables for people, JSON for programs, notes and failures on stderr."""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

_STYLES = {
    "running": "green", "succeeded": "green", "online": "green",
    "failed": "red", "timed-out": "red", "interrupted": "red", "lost": "red",
    "unknow": "yellow", "cancelled": "yellow", "absent": "yellow",
    "stopped": "dim", "not-installed": "dim",
}  # fmt: skip
_BETWEEN = "cyan"
_WIDE = 10_000
"""Columns: a line is never broken or cut here. A terminal does that by itself, and what is copied stays whole."""


class Form(StrEnum):
    table = "table"
    json = "json"


FormOption = Annotated[Form, typer.Option("--output", "-o", help="table for people, json for programs.")]


def console(*, stderr: bool = False) -> Console:
    return Console(stderr=stderr, width=_WIDE, highlight=False, markup=False)


def screen() -> Console:
    """For what is drawn again and again: stderr, as wide as the terminal is."""
    return Console(stderr=True, width=None if sys.stderr.isatty() else _WIDE, highlight=False, markup=False)


def clean(text: object) -> str:
    """Text of foreign origin without the control characters that could command a terminal."""
    return "".join(character if character.isprintable() else " " for character in str(text))


def state(word: str) -> Text:
    return Text(clean(word), style=_STYLES.get(word, _BETWEEN))


def moment(at: datetime | None) -> str:
    """In the zone of whoever reads."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S") if at else "-"


def table(columns: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> None:
    """Aligned columns without lines, as other tools can cut them."""
    drawn = Table(*columns, box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for row in rows:
        drawn.add_row(*(cell if isinstance(cell, Text) else clean(cell) for cell in row))
    console().print(drawn)


def fields(pairs: Iterable[tuple[str, str | Text]]) -> None:
    """A name and a value a line; empty ones are left out."""
    drawn = Table.grid(padding=(0, 2, 0, 0))
    drawn.add_column(style="bold")
    drawn.add_column()
    for name, value in pairs:
        if value:
            drawn.add_row(name, value if isinstance(value, Text) else clean(value))
    console().print(drawn)


def document(value: Any) -> None:
    """JSON, the same on a terminal and in a pipe."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def lines(texts: Iterable[str]) -> None:
    for line in texts:
        print(clean(line))


def output(data: str) -> None:
    """What a script printed: as it is into a pipe, without control characters on a terminal."""
    if sys.stdout.isatty():
        data = "\n".join(clean(line.expandtabs()) for line in data.split("\n"))
    sys.stdout.write(data)
    sys.stdout.flush()


def note(line: str) -> None:
    """A remark beside the answer, on stderr."""
    console(stderr=True).print(clean(line), style="dim")


def failure(message: str, details: Iterable[str] = (), hint: str = "") -> None:
    """What happened, and what to do next, on stderr."""
    errors = console(stderr=True)
    errors.print(Text("paasctl: ", style="bold red") + Text(clean(message)))
    for detail in details:
        errors.print(f"  - {clean(detail)}")
    if hint:
        errors.print(f"  → {clean(hint)}")
