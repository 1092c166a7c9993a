"""`edit`: the spec in an editor, written back where nobody else wrote meanwhile."""

import os
import tempfile
from typing import Any

import click
import typer

from paas_client import show
from paas_client.client import Client
from paas_client.commands import documents
from paas_client.commands.asking import USAGE, asker
from paas_client.commands.making import (
    Outcome,
    ReinstallOption,
    RemovedOption,
    RestartOption,
    Sending,
    applied,
)
from paas_client.commands.naming import instance_hints
from paas_client.commands.options import DryRunOption, Name, TimeoutOption, WaitOption
from paas_client.commands.planning import show_outcome
from paas_client.commands.waiting import DEFAULT_TIMEOUT
from paas_client.models import Record

app = typer.Typer()

_SPEC = ("name", "labels", "depends_on", "host", "app")
_HEAD = "# What is masked stays as it is, unless you write something else.\n"


@app.command()
def edit(
    context: typer.Context,
    name: Name,
    restart: RestartOption = False,
    reinstall: ReinstallOption = False,
    removed: RemovedOption = None,
    wait: WaitOption = False,
    timeout: TimeoutOption = DEFAULT_TIMEOUT,
    dry_run: DryRunOption = False,
    form: show.FormOption = show.Form.table,
) -> None:
    """Change its spec in an editor ($VISUAL or $EDITOR), as YAML.

    Refused where somebody else has changed it meanwhile. What was written is kept in a file then.
    """
    asked, how = asker(context).about(name), applied(restart=restart, reinstall=reinstall)
    record, etag = asked.ask_for(lambda instances: instances.get_tagged(name), instance_hints(asked))
    text = _HEAD + show.as_yaml(_spec(record))
    written = _edited(text)
    if written is None or written == text:
        return show.note("nothing was changed")
    body = _parsed(written)
    sending = Sending(asked, dry_run, wait, timeout)

    async def replacing(client: Client) -> Outcome:
        change = client.instances(asked.kind).replace(name, body, apply=how, removed=removed or "", etag=etag)
        return await sending.replace(client, change, how)

    try:
        return show_outcome(asked.ask(replacing), form)
    except typer.Exit:
        _keep(written)
        raise


def _spec(record: Record) -> dict[str, Any]:
    """The part of a record that can be written back."""
    document = record.document()
    spec = {key: document[key] for key in _SPEC if key in document}
    spec["app"] = {key: value for key, value in document["app"].items() if key != "status"}
    spec["app"]["metadata"] = {key: value for key, value in record.app.metadata.items() if key != "CreateAt"}
    return spec


def _edited(text: str) -> str | None:
    try:
        return click.edit(text, extension=".yaml")
    except click.ClickException as error:
        show.failure(error.message, hint="set EDITOR to an editor that is there")
        raise typer.Exit(USAGE) from None


def _parsed(written: str) -> dict[str, Any]:
    try:
        return documents.parse("what you wrote", written)
    except documents.BadDocument as error:
        show.failure(str(error))
        _keep(written)
        raise typer.Exit(USAGE) from None


def _keep(written: str) -> None:
    descriptor, path = tempfile.mkstemp(prefix="paasctl-", suffix=".yaml")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(written)
    show.note(f"what you wrote is kept in {path}")
