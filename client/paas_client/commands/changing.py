"""What can be wished of a database or middleware that is there."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import typer

from paas_client import show
from paas_client.change import Change
from paas_client.client import Client
from paas_client.commands.asking import Asker, Hints, asker
from paas_client.commands.naming import instance_hints
from paas_client.commands.options import DryRunOption, Name, TimeoutOption, WaitGoneOption, WaitOption
from paas_client.commands.planning import note_what_it_waits_for, show_outcome, show_told
from paas_client.commands.waiting import DEFAULT_TIMEOUT, take_stock, watched
from paas_client.errors import ClientError, Conflict, Refused
from paas_client.instances import Instances
from paas_client.models import InstanceStatus, Plan, Told
from paas_client.wait import Wish

app = typer.Typer()


@dataclass(frozen=True)
class _Verb:
    """A command: what is sent, and for `--wait` the state that must be reached."""

    help: str
    send: Callable[[Instances, str], Change[InstanceStatus]]
    goal: str = ""
    restart: bool = False


_WISHES = {
    "running": _Verb(
        "Expect it to run: it is installed and started, as far as needed.",
        lambda instances, name: instances.expect(name, "running"),
        "running",
    ),
    "stopped": _Verb(
        "Expect it to stand still: it is stopped, and stopped again if it starts.",
        lambda instances, name: instances.expect(name, "stopped"),
        "stopped",
    ),
    "uninstall": _Verb(
        "Expect it not to be installed: it is stopped and uninstalled; its record stays.",
        lambda instances, name: instances.expect(name, "not-installed"),
        "not-installed",
    ),
    "restart": _Verb(
        "Restart it once. Refused unless it is expected to run.",
        lambda instances, name: instances.restart(name),
        "running",
        restart=True,
    ),
}
_HANDS = {
    "hold": _Verb(
        "Hands off: it is observed and reported, and nothing is done to it.",
        lambda instances, name: instances.hold(name),
    ),
    "release": _Verb(
        "End a hold: what is expected counts again.",
        lambda instances, name: instances.release(name),
    ),
}


def _wishing(verb: _Verb) -> Callable[..., None]:
    def wish(
        context: typer.Context,
        name: Name,
        wait: WaitOption = False,
        timeout: TimeoutOption = DEFAULT_TIMEOUT,
        dry_run: DryRunOption = False,
        form: show.FormOption = show.Form.table,
    ) -> None:
        asked = asker(context).about(name)

        async def wishing(client: Client) -> InstanceStatus | Plan:
            if dry_run or not wait:
                return await _sent(client, asked, verb, dry_run=dry_run)
            instances = client.instances(asked.kind)
            known = await take_stock(instances, name)
            await verb.send(instances, name)
            return await watched(client, asked, Wish(verb.goal, known, verb.restart), timeout)

        show_outcome(asked.ask(wishing, _hints(asked, verb)), form)

    return wish


def _handling(verb: _Verb) -> Callable[..., None]:
    def handle(
        context: typer.Context, name: Name, dry_run: DryRunOption = False, form: show.FormOption = show.Form.table
    ) -> None:
        asked = asker(context).about(name)
        outcome = asked.ask(lambda client: _sent(client, asked, verb, dry_run=dry_run), _hints(asked, verb))
        show_outcome(outcome, form)

    return handle


for _name, _verb in _WISHES.items():
    app.command(_name, help=_verb.help)(_wishing(_verb))
for _name, _verb in _HANDS.items():
    app.command(_name, help=_verb.help)(_handling(_verb))


@app.command()
def delete(
    context: typer.Context,
    name: Name,
    uninstall: Annotated[bool, typer.Option("--uninstall", help="Uninstall it first, then forget it.")] = False,
    orphan: Annotated[bool, typer.Option("--orphan", help="Forget it at once; the software stays as it is.")] = False,
    wait: WaitGoneOption = False,
    timeout: TimeoutOption = DEFAULT_TIMEOUT,
    dry_run: DryRunOption = False,
    form: show.FormOption = show.Form.table,
) -> None:
    """Forget one that is not installed; otherwise one of the two options must say what becomes of it."""
    if uninstall and orphan:
        raise typer.BadParameter("--uninstall and --orphan exclude each other")
    asked = asker(context).about(name)

    async def deleting(client: Client) -> Told | Plan:
        instances = client.instances(asked.kind)
        change = instances.delete(name, uninstall=uninstall, orphan=orphan)
        if dry_run:
            return await change.plan()
        if not wait:
            return await change
        known = await take_stock(instances, name, missing=True)
        told = await change
        await watched(client, asked, Wish("not-installed", known, deletion=True), timeout)
        return told.model_copy(update={"msg": "deleted"}) if uninstall else told

    async def two_ways(_: Client, error: ClientError) -> str:
        base = f"{asked.command} delete {name}"
        asked_for = isinstance(error, Refused) and any("uninstall" in detail for detail in error.details)
        return f"one of the two: {base} --uninstall, or {base} --orphan" if asked_for else ""

    show_told(asked.ask(deleting, {Conflict: two_ways}), form)


async def _sent(client: Client, asked: Asker, verb: _Verb, *, dry_run: bool) -> InstanceStatus | Plan:
    instances = client.instances(asked.kind)
    change = verb.send(instances, asked.name)
    if dry_run:
        return await change.plan()
    status = await change
    if verb.goal:
        await note_what_it_waits_for(instances, asked)
    return status


def _hints(asked: Asker, verb: _Verb) -> Hints:
    start: Hints = {Conflict: f"let it run: {asked.command} running {asked.name}"} if verb.restart else {}
    return {**instance_hints(asked), **start}
