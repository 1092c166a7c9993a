"""Apps themselves: made, given another pool, deleted."""

from enum import StrEnum
from typing import Annotated

import typer

from paas_client import show
from paas_client.apps import Apps
from paas_client.client import Client
from paas_client.commands.apps.naming import AppName, app_hints, target
from paas_client.commands.apps.reading import draw_app
from paas_client.commands.apps.waiting import until_gone
from paas_client.commands.asking import Hints, asker
from paas_client.commands.naming import tenant_names
from paas_client.commands.options import DryRunOption, TimeoutOption, WaitGoneOption
from paas_client.commands.planning import sent, show_plan, show_told
from paas_client.commands.waiting import DEFAULT_TIMEOUT
from paas_client.errors import Conflict
from paas_client.models import Plan, Told

app = typer.Typer()


class AppPlan(StrEnum):
    """What an app may have at most."""

    free = "free"
    standard = "standard"


OrphanOption = Annotated[
    bool,
    typer.Option("--orphan", help="Only forget it: its cluster is no longer in the settings, and keeps what it has."),
]
NewApp = Annotated[str, typer.Argument(metavar="NAME", help="1 to 40 of a-z, 0-9 and -; begins with a letter.")]
UnitsOption = Annotated[int, typer.Option("--units", min=1, help="Its memory pool, in units of 128 MiB.")]
MoreUnitsOption = Annotated[
    int | None, typer.Option("--units", min=1, help="Its memory pool from now on, in units of 128 MiB.")
]
PortsOption = Annotated[int | None, typer.Option("--ports", min=0, help="How many ports it may export; 3 if left out.")]
PlanOption = Annotated[
    AppPlan | None, typer.Option("--plan", help="standard if left out; free has few units and ports at most.")
]
TenantOption = Annotated[
    str, typer.Option("--tenant", help="Whose it is; the platform's own if left out.", autocompletion=tenant_names)
]
ClusterOption = Annotated[
    str, typer.Option("--cluster", help="One of the controller's settings; the first if left out.")
]


@app.command()
def create(
    context: typer.Context,
    name: NewApp,
    units: UnitsOption,
    ports: PortsOption = None,
    plan: PlanOption = None,
    tenant: TenantOption = "",
    cluster: ClusterOption = "",
    dry_run: DryRunOption = False,
    form: show.FormOption = show.Form.table,
) -> None:
    """Create an app: a namespace with a pool of memory, which all its instances share."""
    asked = asker(context)
    hints: Hints = {Conflict: f"see which there are: {asked.app_command} list"}
    made = asked.ask_apps(
        lambda apps: sent(
            apps.create(name, units, max_ports=ports, plan=plan or "", tenant=tenant, cluster=cluster), dry_run=dry_run
        ),
        hints,
    )
    if isinstance(made, Plan):
        return show_plan(made, form)
    show.answer(form, made.document(), lambda: draw_app(made))
    return show.note(f"put something into it: {asked.app_command} put {name} -f FILE")


@app.command()
def resize(
    context: typer.Context,
    name: AppName,
    units: MoreUnitsOption = None,
    ports: PortsOption = None,
    plan: PlanOption = None,
    dry_run: DryRunOption = False,
    form: show.FormOption = show.Form.table,
) -> None:
    """Give an app another pool, other ports or another plan; never less than what is in use.

    What waits for memory starts by itself when there is some.
    """
    asked = asker(context)
    wanted = target(asked, name, least=1, most=1)
    given = {"memory_units": units, "max_ports": ports, "plan": plan}
    values: dict[str, str | int] = {key: value for key, value in given.items() if value is not None}
    if not values:
        raise typer.BadParameter("say what changes: --units, --ports or --plan")
    hints: Hints = {**app_hints(asked, wanted), Conflict: f"see who has what: {asked.app_command} usage {name}"}
    changed = asked.ask_apps(lambda apps: sent(apps.change(name, **values), dry_run=dry_run), hints)
    if isinstance(changed, Plan):
        return show_plan(changed, form)
    return show.answer(form, changed.document(), lambda: draw_app(changed))


@app.command()
def delete(
    context: typer.Context,
    name: AppName,
    orphan: OrphanOption = False,
    wait: WaitGoneOption = False,
    timeout: TimeoutOption = DEFAULT_TIMEOUT,
    dry_run: DryRunOption = False,
    form: show.FormOption = show.Form.table,
) -> None:
    """Delete an app with all that is in it: instances, pods, ports. Of one instance: remove."""
    asked = asker(context)
    wanted = target(asked, name, least=1, most=1)

    async def deleting(client: Client) -> Told | Plan:
        apps: Apps = client.all_apps(asked.app_kind)
        told = await sent(apps.delete(name, orphan=orphan), dry_run=dry_run)
        return await until_gone(client, asked, wanted, timeout) if wait and isinstance(told, Told) else told

    show_told(asked.ask(deleting, app_hints(asked, wanted)), form)
