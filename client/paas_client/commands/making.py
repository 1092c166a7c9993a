"""Creating databases and middleware, and changing what they are."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import typer

from paas_client import show
from paas_client.change import Change
from paas_client.client import Client
from paas_client.commands import documents
from paas_client.commands.asking import Asker, asker
from paas_client.commands.documents import FileOption
from paas_client.commands.options import DryRunOption, TimeoutOption, WaitOption
from paas_client.commands.planning import note_what_it_waits_for, show_outcome
from paas_client.commands.waiting import DEFAULT_TIMEOUT, take_stock, watched
from paas_client.errors import ClientError, Conflict, NotFound
from paas_client.models import InstanceStatus, Plan
from paas_client.wait import Before, Wish

app = typer.Typer()

Outcome = InstanceStatus | Plan
Applied = Literal["", "restart", "reinstall"]
RestartOption = Annotated[bool, typer.Option("--restart", help="Apply it at once, by a restart.")]
ReinstallOption = Annotated[
    bool, typer.Option("--reinstall", help="Apply it at once, by installing over what is there.")
]
RemovedOption = Annotated[
    Literal["uninstall", "orphan"] | None,
    typer.Option("--removed", help="What becomes of it on hosts that are taken off the list."),
]


@dataclass(frozen=True)
class Sending:
    """How a spec is sent: rehearsed only, or in earnest and then waited for."""

    asked: Asker
    dry_run: bool
    wait: bool
    seconds: float

    async def create(self, client: Client, body: dict[str, Any]) -> Outcome:
        return await self._send(client, client.instances(self.asked.kind).create(body), Before())

    async def replace(self, client: Client, change: Change[InstanceStatus], how: Applied) -> Outcome:
        """NotFound where there is no such instance."""
        instances = client.instances(self.asked.kind)
        known = await take_stock(instances, self.asked.name) if self.wait else Before()
        return await self._send(client, change, known, how)

    async def _send(self, client: Client, change: Change[InstanceStatus], known: Before, how: Applied = "") -> Outcome:
        if self.dry_run:
            return await change.plan()
        status, instances = await change, client.instances(self.asked.kind)
        if not self.wait:
            await note_what_it_waits_for(instances, self.asked)
            return status
        generation = (await instances.get(self.asked.name)).generation if how else 0
        wish = Wish(status.status.expect, known, restart=how == "restart", generation=generation)
        return await watched(client, self.asked, wish, self.seconds)


def applied(*, restart: bool, reinstall: bool) -> Applied:
    """How a change is applied at once; not at all where neither is said."""
    if restart and reinstall:
        raise typer.BadParameter("--restart and --reinstall exclude each other")
    return "restart" if restart else "reinstall" if reinstall else ""


@app.command()
def create(
    context: typer.Context,
    file: FileOption,
    wait: WaitOption = False,
    timeout: TimeoutOption = DEFAULT_TIMEOUT,
    dry_run: DryRunOption = False,
    form: show.FormOption = show.Form.table,
) -> None:
    """Create one from a JSON or YAML file.

    Nothing is installed before it is expected to run, by "status" in the file or by the command running.
    """
    body = documents.given(file)
    asked = asker(context).about(str(body.get("name")))
    sending = Sending(asked, dry_run, wait, timeout)

    async def there_already(client: Client, _: ClientError) -> str:
        with suppress(ClientError):
            await client.instances(asked.kind).status(asked.name)
            return f"see it: {asked.command} show {asked.name}; to change it: {asked.command} apply -f {file}"
        return ""

    show_outcome(asked.ask(lambda client: sending.create(client, body), {Conflict: there_already}), form)


@app.command("apply")
def apply_file(
    context: typer.Context,
    file: FileOption,
    restart: RestartOption = False,
    reinstall: ReinstallOption = False,
    removed: RemovedOption = None,
    wait: WaitOption = False,
    timeout: TimeoutOption = DEFAULT_TIMEOUT,
    dry_run: DryRunOption = False,
    form: show.FormOption = show.Form.table,
) -> None:
    """Create one from a file, or change it to what the file says.

    A change counts from the next action on, unless an option applies it at once. What is expected stays.
    """
    body, how = documents.given(file), applied(restart=restart, reinstall=reinstall)
    asked = asker(context).about(str(body.get("name")))
    sending = Sending(asked, dry_run, wait, timeout)

    async def applying(client: Client) -> Outcome:
        change = client.instances(asked.kind).replace(asked.name, body, apply=how, removed=removed or "")
        try:
            return await sending.replace(client, change, how)
        except NotFound:
            return await sending.create(client, body)

    outcome = asked.ask(applying)
    show_outcome(outcome, form)
    if isinstance(outcome, InstanceStatus):
        _note_what_stays(asked, body, outcome)


def _note_what_stays(asked: Asker, body: dict[str, Any], outcome: InstanceStatus) -> None:
    """A file says what an instance is; what is expected of it is another matter, except when it is created."""
    status = (body.get("app") or {}).get("status") or {}
    said, expect = status.get("expect"), outcome.status.expect
    if said and said != expect:
        wish = "uninstall" if said == "not-installed" else said
        show.note(f"it is still expected {expect}; to change that: {asked.command} {wish} {asked.name}")
