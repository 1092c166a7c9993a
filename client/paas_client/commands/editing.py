"""`edit`: the spec in an editor, written back where nobody else wrote meanwhile."""

import os
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import Any

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
    file = _written(text)
    _edit(file)
    try:
        if file.read_text(encoding="utf-8") == text:
            file.unlink()
            return show.note("nothing was changed")
        body = documents.given(str(file))
        sending = Sending(asked, dry_run, wait, timeout)

        async def replacing(client: Client) -> Outcome:
            change = client.instances(asked.kind).replace(name, body, apply=how, removed=removed or "", etag=etag)
            return await sending.replace(client, change, how)

        outcome = asked.ask(replacing)
    except typer.Exit:
        show.note(f"what you wrote is kept; once it is right: {asked.command} apply -f {file}")
        raise
    file.unlink()
    return show_outcome(outcome, form)


def _spec(record: Record) -> dict[str, Any]:
    """The part of a record that can be written back."""
    document = record.document()
    spec = {key: document[key] for key in _SPEC if key in document}
    spec["app"] = {key: value for key, value in document["app"].items() if key != "status"}
    spec["app"]["metadata"] = {key: value for key, value in record.app.metadata.items() if key != "CreateAt"}
    return spec


def _written(text: str) -> Path:
    """A file of this text that nobody else can read."""
    descriptor, path = tempfile.mkstemp(prefix="paasctl-", suffix=".yaml")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return Path(path)


def _edit(file: Path) -> None:
    """Opens the editor, and comes back when it has ended."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    try:
        subprocess.run([*shlex.split(editor), str(file)], check=True)  # noqa: S603 - the person's own editor
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        file.unlink()
        show.failure(f"the editor failed: {error}", hint="set EDITOR to an editor that is there")
        raise typer.Exit(USAGE) from None
