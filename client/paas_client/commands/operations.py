"""`paasctl operation`: what ran, what runs, and how to end it."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, get_args

import typer
from rich.text import Text

from paas_client import show
from paas_client.client import Client
from paas_client.commands.asking import Asker, Hints, asker
from paas_client.commands.logs import SILENT, print_log
from paas_client.commands.naming import all_instance_names, instance_hints
from paas_client.commands.options import DryRunOption, FollowOption, Limit, OperationId
from paas_client.commands.planning import sent, show_plan
from paas_client.errors import NotFound
from paas_client.models import Kind, Operation, Plan

app = typer.Typer(no_args_is_help=True, help="The operations: each is one run of one action on one host.")

InstanceName = Annotated[
    str, typer.Argument(metavar="KIND/NAME", help="As in database/db7.", autocompletion=all_instance_names)
]
_SHORT: dict[str, Kind] = {"db": "database", "mw": "middleware", "database": "database", "middleware": "middleware"}
_HINTS: Hints = {NotFound: "see which there are: paasctl operation list KIND/NAME", **SILENT}


@app.command("list")
def all_operations(
    context: typer.Context, instance: InstanceName, limit: Limit = 50, form: show.FormOption = show.Form.table
) -> None:
    """List what ran for a database or middleware, and how it ended."""
    kind, _, name = instance.partition("/")
    if kind not in _SHORT or not name:
        raise typer.BadParameter(f"{instance} is no KIND/NAME; a kind is {' or '.join(get_args(Kind))}")
    show_operations(Asker(asker(context).config, _SHORT[kind], name), limit, form)


@app.command("show")
def one(context: typer.Context, identifier: OperationId, form: show.FormOption = show.Form.table) -> None:
    """Show an operation: how far it is, or how it ended."""
    operation = asker(context).ask(lambda client: client.operations.get(identifier), _HINTS)
    show.answer(form, operation.document(), lambda: show.fields(_described(operation)))


@app.command()
def log(context: typer.Context, identifier: OperationId, follow: FollowOption = False) -> None:
    """Print what the scripts of an operation have printed."""

    async def printing(client: Client) -> None:
        await print_log(client, await client.operations.get(identifier), follow=follow)

    asker(context).ask(printing, _HINTS, goes_on=False)


@app.command()
def cancel(
    context: typer.Context,
    identifier: OperationId,
    dry_run: DryRunOption = False,
    form: show.FormOption = show.Form.table,
) -> None:
    """Cancel an operation: its agent ends the script.

    Nothing more is done to that member until something new is wished of it.
    """
    outcome = asker(context).ask(lambda client: sent(client.operations.cancel(identifier), dry_run=dry_run), _HINTS)
    if isinstance(outcome, Plan):
        return show_plan(outcome, form)
    return show.answer(form, outcome.document(), lambda: show.fields(_described(outcome)))


def show_operations(asked: Asker, limit: int, form: show.Form) -> None:
    """What ran for the instance that is asked about, newest first."""
    page = asked.ask_for(lambda instances: instances.operations(asked.name, limit=limit), instance_hints(asked))
    columns = ("OPERATION", "ACTION", "HOST", "STATE", "BEGAN", "TOOK", "MESSAGE")
    show.answer(form, [item.document() for item in page.items], lambda: show.table(columns, _rows(page.items)))


def _rows(operations: Iterable[Operation]) -> Iterable[tuple[str | Text, ...]]:
    for operation in operations:
        state, message = show.state(operation.state), show.first_line(operation.message)
        began = show.moment(operation.started_at or operation.created_at)
        yield operation.id, operation.action, operation.host, state, began, _took(operation), message


def _described(operation: Operation) -> list[tuple[str, Text | str]]:
    progress = operation.progress
    return [
        ("operation", operation.id),
        ("of", f"{operation.kind}/{operation.name}"),
        ("host", operation.host),
        ("action", operation.action),
        ("state", show.state(operation.state)),
        ("phase", progress.said if progress else ""),
        ("ordered", show.moment(operation.created_at)),
        ("took", _took(operation)),
        ("exit code", "" if operation.exit_code is None else str(operation.exit_code)),
        ("cancelled by", operation.cancelled_by),
        ("message", operation.message.partition("\n")[0]),
    ]


def _took(operation: Operation) -> str:
    began, until = operation.started_at or operation.created_at, operation.ended_at or datetime.now(UTC)
    return f"{max(0.0, (until - began).total_seconds()):.1f} s"
