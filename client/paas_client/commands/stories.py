"""Looking back at a database or middleware: its story, what ran and what it printed, what changed on a day."""

from datetime import datetime
from typing import Annotated

import typer

from paas_client import show
from paas_client.client import Client
from paas_client.commands.asking import asker
from paas_client.commands.following import follow_story
from paas_client.commands.logs import SILENT, last_operation, print_log
from paas_client.commands.naming import host_names, instance_hints, instance_names, words
from paas_client.commands.operations import show_operations
from paas_client.commands.options import FollowOption, Limit, Name

app = typer.Typer()

Day = Annotated[
    str, typer.Argument(metavar="[DAY]", help="MMDD or YYYY-MM-DD; today by this machine's clock if left out.")
]
Detail = Annotated[bool, typer.Option("--detail", help="Every change with host, states, time and reason.")]
Cause = Annotated[
    str,
    typer.Option(
        help="Only changes found by: check, exit, action, report, silence.",
        autocompletion=words("check", "exit", "action", "report", "silence"),
    ),
]
NameOrOperation = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="Its name, for the last operation; or an operation's id.", autocompletion=instance_names
    ),
]
LogHost = Annotated[
    str, typer.Option("--host", metavar="ID", help="The last operation on this host.", autocompletion=host_names)
]


@app.command()
def events(
    context: typer.Context,
    name: Name,
    limit: Limit = 50,
    follow: FollowOption = False,
    form: show.FormOption = show.Form.table,
) -> None:
    """Tell its story: every change of state, its cause, and a sentence."""
    asked = asker(context).about(name)
    if follow:
        hints = instance_hints(asked)
        return asked.ask(lambda client: follow_story(client, asked, limit, form), hints, goes_on=False)
    page = asked.ask_for(lambda instances: instances.events(name, limit=limit), instance_hints(asked))
    rows = (
        (show.moment(event.at), event.host or "-", show.crossed(event.before, event.after), event.cause,
         event.sentence)
        for event in page.items
    )  # fmt: skip
    columns = ("AT", "HOST", "STATE", "CAUSE", "WHAT")
    return show.answer(form, [event.document() for event in page.items], lambda: show.table(columns, rows))


@app.command()
def operations(context: typer.Context, name: Name, limit: Limit = 50, form: show.FormOption = show.Form.table) -> None:
    """List what ran and how it ended."""
    show_operations(asker(context).about(name), limit, form)


@app.command()
def log(context: typer.Context, name: NameOrOperation, follow: FollowOption = False, host: LogHost = "") -> None:
    """Print what the scripts of its last operation have printed."""
    asked = asker(context).about(name)

    async def printing(client: Client) -> None:
        await print_log(client, await last_operation(client, asked.kind, name, host), follow=follow)

    asked.ask(printing, {**instance_hints(asked), **SILENT}, goes_on=False)


@app.command()
def changed(
    context: typer.Context,
    day: Day = "",
    detail: Detail = False,
    cause: Cause = "",
    form: show.FormOption = show.Form.table,
) -> None:
    """List the names whose status changed on a day, in the order of the first change."""
    asked, wanted = asker(context), day or datetime.now().astimezone().date().isoformat()
    if not detail:
        names = asked.ask_for(lambda instances: instances.changed(wanted, cause=cause))
        return show.answer(form, names, lambda: show.lines(names))
    changes = asked.ask_for(lambda instances: instances.changes(wanted, cause=cause))
    rows = (
        (show.moment(change.at), change.name, change.host, show.crossed(change.before, change.after), change.cause,
         show.first_line(change.reason))
        for change in changes
    )  # fmt: skip
    columns = ("AT", "NAME", "HOST", "STATE", "CAUSE", "REASON")
    return show.answer(form, [change.document() for change in changes], lambda: show.table(columns, rows))
