"""What can be read of databases and middleware."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.text import Text

from paas_client import show
from paas_client.client import Instances, Operations
from paas_client.commands.asking import Hints, asker
from paas_client.errors import NotFound
from paas_client.models import Change, Event, InstanceStatus, Member, Operation, Record

app = typer.Typer()

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name it was created with.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many, the newest first.")]
_FOLLOW_EVERY = 0.5


@app.command("list")
def all_instances(
    context: typer.Context,
    expect: Annotated[str, typer.Option(help="Only those with this expectation.")] = "",
    realtime: Annotated[str, typer.Option(help="Only those in this state.")] = "",
    form: show.FormOption = show.Form.table,
) -> None:
    """List them by name: what is expected, and what is there."""

    async def collect(instances: Instances) -> list[InstanceStatus]:
        return [item async for item in instances.all(expect=expect, realtime=realtime)]

    found = asker(context).ask_for(collect)
    if form is show.Form.json:
        return show.document([item.document() for item in found])
    rows = [(item.name, item.status.expect, show.state(item.status.realtime)) for item in found]
    return show.table(("NAME", "EXPECT", "REALTIME"), rows)


@app.command("show")
def one(context: typer.Context, name: Name, form: show.FormOption = show.Form.table) -> None:
    """Show the whole record, its members, and the last operation of each.

    Secrets are masked.
    """
    record = asker(context).ask_for(lambda instances: instances.get(name))
    if form is show.Form.json:
        return show.document(record.document())
    show.fields(_described(record))
    columns = ("HOST", "REALTIME", "INSTALLED", "LAST OPERATION", "REASON")
    print()
    return show.table(columns, [_member(member) for member in record.members])


@app.command()
def status(context: typer.Context, name: Name, form: show.FormOption = show.Form.table) -> None:
    """Show what is expected and what is there, and nothing else."""
    show_status(asker(context).ask_for(lambda instances: instances.status(name)), form)


@app.command()
def events(context: typer.Context, name: Name, limit: Limit = 50, form: show.FormOption = show.Form.table) -> None:
    """Tell its story: every change of state, its cause, and a sentence."""
    page = asker(context).ask_for(lambda instances: instances.events(name, limit=limit))
    if form is show.Form.json:
        return show.document([event.document() for event in page.items])
    rows = [
        (show.moment(event.at), event.host or "-", *_crossed(event), event.cause, event.sentence)
        for event in page.items
    ]
    return show.table(("AT", "HOST", "FROM", "TO", "CAUSE", "WHAT"), rows)


@app.command()
def operations(context: typer.Context, name: Name, limit: Limit = 50, form: show.FormOption = show.Form.table) -> None:
    """List what ran and how it ended."""
    page = asker(context).ask_for(lambda instances: instances.operations(name, limit=limit))
    if form is show.Form.json:
        return show.document([operation.document() for operation in page.items])
    columns = ("OPERATION", "ACTION", "HOST", "STATE", "BEGAN", "TOOK", "MESSAGE")
    return show.table(columns, [_operation(operation) for operation in page.items])


@app.command()
def changed(
    context: typer.Context,
    day: Annotated[
        str, typer.Argument(metavar="[DAY]", help="MMDD or YYYY-MM-DD; today by this machine's clock if left out.")
    ] = "",
    detail: Annotated[bool, typer.Option("--detail", help="Every change with host, states, time and reason.")] = False,
    cause: Annotated[str, typer.Option(help="Only changes found by: check, exit, action, report, silence.")] = "",
    form: show.FormOption = show.Form.table,
) -> None:
    """List the names whose status changed on a day, in the order of the first change."""
    asked, wanted = asker(context), day or datetime.now().astimezone().date().isoformat()
    if not detail:
        names = asked.ask_for(lambda instances: instances.changed(wanted, cause=cause))
        return show.document(names) if form is show.Form.json else show.lines(names)
    changes = asked.ask_for(lambda instances: instances.changes(wanted, cause=cause))
    if form is show.Form.json:
        return show.document([change.document() for change in changes])
    rows = [
        (show.moment(change.at), change.name, change.host, *_crossed(change), change.cause, change.reason)
        for change in changes
    ]
    return show.table(("AT", "NAME", "HOST", "FROM", "TO", "CAUSE", "REASON"), rows)


@app.command()
def log(
    context: typer.Context,
    operation: Annotated[str, typer.Argument(metavar="OPERATION", help="The id of the operation.")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the operation has ended.")] = False,
) -> None:
    """Print what the scripts of an operation have printed."""
    asked = asker(context)
    hints: Hints = {NotFound: f"see which there are: {asked.command} operations NAME"}
    asked.ask(lambda client: _print_log(client.operations, operation, follow=follow), hints)


def show_status(answer: InstanceStatus, form: show.Form) -> None:
    if form is show.Form.json:
        return show.document(answer.document())
    status = answer.status
    return show.fields([("name", answer.name), ("expect", status.expect), ("realtime", show.state(status.realtime))])


async def _print_log(operations: Operations, identifier: str, *, follow: bool) -> None:
    offset = 0
    while True:
        piece = await operations.log(identifier, offset)
        show.output(piece.data)
        at_end, offset = piece.next == offset, piece.next
        if piece.ended or (at_end and not follow):
            return
        if at_end:
            await asyncio.sleep(_FOLLOW_EVERY)


def _described(record: Record) -> list[tuple[str, Text | str]]:
    status, more = record.status, [word for word in ("held", "deleting") if getattr(record, word)]
    metadata = [f"{key}={value}" for key, value in record.app.metadata.items() if key != "CreateAt"]
    return [
        ("name", record.name),
        ("kind", record.type),
        ("expect", status.expect),
        ("realtime", show.state(status.realtime)),
        ("note", ", ".join(more)),
        ("repository", record.app.repo_url),
        ("package", record.app.package),
        ("metadata", " ".join(metadata)),
        ("created", record.app.metadata.get("CreateAt", "")),
        ("generation", str(record.generation)),
    ]


def _member(member: Member) -> tuple[str | Text, ...]:
    last = member.last_operation
    told = f"{last.action} {last.state} ({last.id})" if last else "-"
    why = member.waiting or member.reason or "-"
    return member.host, show.state(member.realtime), "yes" if member.installed else "no", told, why


def _operation(operation: Operation) -> tuple[str | Text, ...]:
    began, until = operation.started_at or operation.created_at, operation.ended_at or datetime.now(UTC)
    took = f"{max(0.0, (until - began).total_seconds()):.1f} s"
    state, message = show.state(operation.state), operation.message or "-"
    return operation.id, operation.action, operation.host, state, show.moment(began), took, message


def _crossed(step: Event | Change) -> tuple[Text, Text]:
    return show.state(step.before), show.state(step.after)
