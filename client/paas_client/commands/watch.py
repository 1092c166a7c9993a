"""`watch`: what is there as a live table, drawn anew whenever something happens."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import get_args

import typer
from rich.console import Group
from rich.live import Live
from rich.text import Text

from paas_client import show
from paas_client.client import Client
from paas_client.commands.asking import USAGE, asker
from paas_client.commands.following import follow_all
from paas_client.commands.options import DriftFilter, HostFilter, LabelFilter
from paas_client.errors import ClientError, Unavailable, Unreachable
from paas_client.instances import Filter
from paas_client.models import Event, Kind, Listed

app = typer.Typer()

_KINDS: tuple[Kind, ...] = get_args(Kind)
_REST = 0.5
"""Seconds between two looks, at least; a fleet that takes long to list is left alone four times as long."""
_LONGEST_REST = 5.0
_COLUMNS = ("KIND", "NAME", "EXPECT", "REALTIME", "SINCE", "WHAT")


@app.command()
def watch(
    context: typer.Context,
    label: LabelFilter = None,
    host: HostFilter = "",
    drift: DriftFilter = False,
    form: show.FormOption = show.Form.table,
) -> None:
    """Watch what happens: a live table on a terminal, otherwise a line for each event.

    Those that are not as they are expected to be come first. --label, --host and --drift choose rows of the table.
    Ctrl-C ends it.
    """
    asked, wanted = asker(context), Filter(label=label or (), host=host, drift=drift)
    kinds = (asked.kind,) if context.parent and context.parent.parent else _KINDS
    if show.console().is_terminal and form is show.Form.table:
        return asked.ask(lambda client: _Board(client, kinds, wanted).show(), goes_on=False)
    if wanted != Filter():
        show.failure("--label, --host and --drift choose rows of the table, and events are all told",
                     hint="watch on a terminal and without -o, or leave them out")  # fmt: skip
        raise typer.Exit(USAGE)
    kind = kinds[0] if len(kinds) == 1 else ""
    return asked.ask(lambda client: follow_all(client, kind, form), goes_on=False)


@dataclass
class _Board:
    """What was last seen of each, and what was told of it since."""

    client: Client
    kinds: tuple[Kind, ...]
    wanted: Filter
    listed: list[tuple[Kind, Listed]] = field(default_factory=list)
    told: dict[tuple[str, str], Event] = field(default_factory=dict)
    trouble: str = ""
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def show(self) -> None:
        console, loop = show.console(wrap=True), asyncio.get_running_loop()
        self.listed = await self._list()
        hearing = asyncio.create_task(self._hear())
        try:
            with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
                while not hearing.done():
                    live.update(self._drawn(console.height), refresh=True)
                    await self._wait_for_news()
                    began = loop.time()
                    await self._look()
                    await asyncio.sleep(max(_REST, 4 * (loop.time() - began)))
            await hearing
        finally:
            hearing.cancel()

    async def _hear(self) -> None:
        kind = self.kinds[0] if len(self.kinds) == 1 else ""
        try:
            async for event in self.client.stories.follow(kind, on_break=self._interrupted):
                self.told[event.kind, event.name] = event
                self.news.set()
        finally:
            self.news.set()

    def _interrupted(self, error: ClientError) -> None:
        self.trouble = f"{error.message}; trying again"
        self.news.set()

    async def _wait_for_news(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_LONGEST_REST):
                await self.news.wait()
        self.news.clear()

    async def _look(self) -> None:
        try:
            self.listed, self.trouble = await self._list(), ""
        except (Unreachable, Unavailable) as error:
            self._interrupted(error)

    async def _list(self) -> list[tuple[Kind, Listed]]:
        return [(kind, item) for kind in self.kinds async for item in self.client.instances(kind).all(self.wanted)]

    def _drawn(self, height: int) -> Group:
        ordered = sorted(self.listed, key=lambda entry: (not entry[1].drift, entry[0], entry[1].name))
        room = max(1, height - 3)
        below = f"… and {len(ordered) - room} more" if len(ordered) > room else ""
        rows = [self._row(kind, item) for kind, item in ordered[:room]]
        lines = [Text(show.clean(line), style="dim") for line in (below, self.trouble) if line]
        return Group(show.drawn(_COLUMNS, rows), *lines)

    def _row(self, kind: Kind, item: Listed) -> tuple[str | Text, ...]:
        event = self.told.get((kind, item.name))
        since = show.clock(event.at) if event else "-"
        what = show.first_line(event.sentence) if event else "-"
        return kind, item.name, item.status.expect, show.state(item.status.realtime), since, what
