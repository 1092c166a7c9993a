"""How answers look on a terminal and in a pipe: tables for people, JSON or YAML for programs, notes and failures on
stderr."""

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import typer
import yaml
from rich.console import Console
from rich.table import Table
from rich.text import Text

_STYLES = {
    "running": "green", "succeeded": "green", "online": "green",
    "failed": "red", "timed-out": "red", "interrupted": "red", "lost": "red", "failing": "red",
    "unknow": "yellow", "cancelled": "yellow", "absent": "yellow",
    "outdated": "yellow", "waiting": "yellow", "unplaced": "yellow",
    "stopped": "dim", "not-installed": "dim",
}  # fmt: skip
_BETWEEN = "cyan"
_WIDE = 10_000
"""Columns of what is no terminal: a line is never broken or cut there."""


class Form(StrEnum):
    table = "table"
    json = "json"
    yaml = "yaml"


FormOption = Annotated[Form, typer.Option("--output", "-o", help="table for people, json or yaml for programs.")]


def console(*, stderr: bool = False, wrap: bool = False) -> Console:
    """As wide as lines are; with `wrap` as wide as the terminal is, where there is one."""
    narrow = wrap and (sys.stderr if stderr else sys.stdout).isatty()
    return Console(stderr=stderr, width=None if narrow else _WIDE, highlight=False, markup=False)


def answer(form: Form, document: Any, draw: Callable[[], None]) -> None:
    """The answer in the form that was asked for; `draw` puts it up for people."""
    match form:
        case Form.json:
            print(json.dumps(document, indent=2, ensure_ascii=False))
        case Form.yaml:
            print(as_yaml(document), end="")
        case _:
            draw()


def as_yaml(document: Any) -> str:
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)


def clean(text: object) -> str:
    """Text of foreign origin without the control characters that could command a terminal."""
    return "".join(character if character.isprintable() else " " for character in str(text))


def first_line(text: str) -> str:
    return text.partition("\n")[0] or "-"


def state(word: str) -> Text:
    return Text(clean(word), style=_STYLES.get(word, _BETWEEN))


def crossed(before: str, after: str) -> Text:
    """From one state to another; a state that stayed is said once."""
    return state(after) if before == after else Text.assemble(state(before), " → ", state(after))


def moment(at: datetime | None) -> str:
    """In the zone of whoever reads."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S") if at else "-"


def clock(at: datetime) -> str:
    """The time of the day, in the zone of whoever reads."""
    return at.astimezone().strftime("%H:%M:%S")


def drawn(columns: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> Table:
    """Aligned columns without lines, as other tools can cut them. Only the last one is broken where it is too wide."""
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, no_wrap=column != columns[-1], overflow="fold")
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else clean(cell) for cell in row))
    return table


def table(columns: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> None:
    console(wrap=True).print(drawn(columns, rows))


def fields(pairs: Iterable[tuple[str, str | Text]]) -> None:
    """A name and a value a line; empty ones are left out."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="bold")
    grid.add_column()
    for name, value in pairs:
        if value:
            grid.add_row(name, value if isinstance(value, Text) else clean(value))
    console().print(grid)


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
