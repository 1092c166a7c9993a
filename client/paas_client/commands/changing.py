"""What can be done with databases and middleware."""

from collections.abc import Callable
from typing import Annotated

import typer

from paas_client import show
from paas_client.client import Client
from paas_client.commands import documents
from paas_client.commands.asking import USAGE, Asker, Hints, asker
from paas_client.commands.reading import Name, show_status
from paas_client.commands.waiting import DEFAULT_TIMEOUT, TimeoutOption, WaitOption, Watch, take_stock
from paas_client.errors import Conflict
from paas_client.models import Expect, InstanceStatus
from paas_client.progress import Progress
from paas_client.wait import Before, Wish

app = typer.Typer()

_WISHES: dict[str, tuple[Expect, str]] = {
    "running": ("running", "Expect it to run: it is installed and started, as far as needed."),
    "stopped": ("stopped", "Expect it to stand still: it is stopped, and stopped again if it starts."),
    "uninstall": ("not-installed", "Expect it not to be installed: it is stopped and uninstalled; its record stays."),
}


@app.command()
def create(
    context: typer.Context,
    file: Annotated[str, typer.Option("--file", "-f", help="JSON file with the create body; - reads stdin.")],
    wait: WaitOption = False,
    timeout: TimeoutOption = DEFAULT_TIMEOUT,
    form: show.FormOption = show.Form.table,
) -> None:
    """Create one from a JSON file.

    Nothing is installed before it is expected to run, by "status" in the file or by the command running.
    """
    asked = asker(context)
    try:
        body = documents.read(file)
    except documents.BadDocument as error:
        show.failure(str(error), hint="correct it and try again")
        raise typer.Exit(USAGE) from None

    async def creating(client: Client) -> InstanceStatus:
        created = await client.instances(asked.kind).create(body)
        if not wait:
            return created
        return await _watched(client, asked, created.name, Wish(created.status.expect, Before()), timeout)

    hints: Hints = {Conflict: f"see it: {asked.command} show {body.get('name')}"}
    show_status(asked.ask(creating, hints), form)


def _wishing(goal: Expect) -> Callable[..., None]:
    def wish(
        context: typer.Context,
        name: Name,
        wait: WaitOption = False,
        timeout: TimeoutOption = DEFAULT_TIMEOUT,
        form: show.FormOption = show.Form.table,
    ) -> None:
        asked = asker(context)

        async def wishing(client: Client) -> InstanceStatus:
            instances = client.instances(asked.kind)
            if not wait:
                return await instances.expect(name, goal)
            known = await take_stock(instances, name)
            await instances.expect(name, goal)
            return await _watched(client, asked, name, Wish(goal, known), timeout)

        show_status(asked.ask(wishing, asked.hints), form)

    return wish


for _word, (_goal, _help) in _WISHES.items():
    app.command(_word, help=_help)(_wishing(_goal))


@app.command()
def restart(
    context: typer.Context,
    name: Name,
    wait: WaitOption = False,
    timeout: TimeoutOption = DEFAULT_TIMEOUT,
    form: show.FormOption = show.Form.table,
) -> None:
    """Restart it once. Refused unless it is expected to run."""
    asked = asker(context)

    async def restarting(client: Client) -> InstanceStatus:
        instances = client.instances(asked.kind)
        known = await take_stock(instances, name) if wait else Before()
        answer = await instances.restart(name)
        if not wait:
            return answer
        return await _watched(client, asked, name, Wish("running", known, restart=True), timeout)

    hints = asked.hints | {Conflict: f"let it run: {asked.command} running {name}"}
    show_status(asked.ask(restarting, hints), form)


@app.command()
def hold(context: typer.Context, name: Name, form: show.FormOption = show.Form.table) -> None:
    """Hands off: it is observed and reported, and nothing is done to it."""
    show_status(asker(context).ask_for(lambda instances: instances.hold(name)), form)


@app.command()
def release(context: typer.Context, name: Name, form: show.FormOption = show.Form.table) -> None:
    """End a hold: what is expected counts again."""
    show_status(asker(context).ask_for(lambda instances: instances.release(name)), form)


@app.command()
def delete(
    context: typer.Context,
    name: Name,
    uninstall: Annotated[bool, typer.Option("--uninstall", help="Uninstall it first, then forget it.")] = False,
    orphan: Annotated[bool, typer.Option("--orphan", help="Forget it at once; the software stays as it is.")] = False,
) -> None:
    """Forget one that is not installed; otherwise one of the two options must say what becomes of it."""
    if uninstall and orphan:
        raise typer.BadParameter("--uninstall and --orphan exclude each other")
    asked = asker(context)
    base = f"{asked.command} delete {name}"
    hints = asked.hints | {Conflict: f"one of the two: {base} --uninstall, or {base} --orphan"}
    deleted = asked.ask_for(lambda instances: instances.delete(name, uninstall=uninstall, orphan=orphan), hints)
    show.lines([f"{deleted.name}: {deleted.msg}"])


async def _watched(client: Client, asked: Asker, name: str, wish: Wish, seconds: float) -> InstanceStatus:
    with Progress() as progress:
        record = await Watch(client, asked, name, wish, progress, wish.before.event).until_fulfilled(seconds)
    return InstanceStatus(name=record.name, status=record.status)
