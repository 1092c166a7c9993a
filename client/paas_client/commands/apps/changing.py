"""What can be wished of an instance that is there, or of one component of it."""

from collections.abc import Callable

import typer

from paas_client import show
from paas_client.app_models import AppInstance
from paas_client.apps import Wish
from paas_client.client import Client
from paas_client.commands.apps.naming import InstanceName, PartCommand, PartName, Target, app_hints, target
from paas_client.commands.apps.reading import show_instance
from paas_client.commands.apps.waiting import Goal, until_gone, watched
from paas_client.commands.asking import Asker, asker
from paas_client.commands.options import DryRunOption, TimeoutOption, WaitGoneOption, WaitOption
from paas_client.commands.planning import sent, show_plan, show_told
from paas_client.commands.waiting import DEFAULT_TIMEOUT
from paas_client.models import Plan, Told

app = typer.Typer()

_WISHES: dict[Wish, str] = {
    "running": "Start it: what fits into the pool runs, the rest waits for memory.",
    "stopped": "Stop it: it has no pods then and takes no memory; how many it had is remembered.",
    "restart": "Restart it: its pods are replaced by new ones.",
}


def _wishing(wish: Wish) -> Callable[..., None]:
    def wishing(
        context: typer.Context,
        name: PartName,
        wait: WaitOption = False,
        timeout: TimeoutOption = DEFAULT_TIMEOUT,
        dry_run: DryRunOption = False,
        form: show.FormOption = show.Form.table,
    ) -> None:
        asked = asker(context)
        wanted = target(asked, name, most=3)

        async def ask(client: Client) -> AppInstance | Plan:
            instances = client.all_apps(asked.app_kind).instances(wanted.app)
            goal = await _goal(client, asked, wanted, wish)
            wished = await sent(instances.wish(wanted.instance, wish, wanted.component), dry_run=dry_run)
            if wait and isinstance(wished, AppInstance):
                return await watched(client, asked, wanted, goal, wished, timeout)
            return wished

        wished = asked.ask(ask, app_hints(asked, wanted))
        return show_plan(wished, form) if isinstance(wished, Plan) else show_instance(wished, form)

    return wishing


async def _goal(client: Client, asked: Asker, wanted: Target, wish: Wish) -> Goal:
    """A restart is over when none of the pods of before is left."""
    if wish != "restart":
        return Goal(wish)
    pods = await client.all_apps(asked.app_kind).instances(wanted.app).pods(wanted.instance)
    return Goal("running", frozenset(pod.name for pod in pods if wanted.component in ("", pod.component)))


for _name, _help in _WISHES.items():
    app.command(_name, help=_help, cls=PartCommand)(_wishing(_name))


@app.command()
def remove(
    context: typer.Context,
    name: InstanceName,
    wait: WaitGoneOption = False,
    timeout: TimeoutOption = DEFAULT_TIMEOUT,
    dry_run: DryRunOption = False,
    form: show.FormOption = show.Form.table,
) -> None:
    """Delete an instance with its pods and ports; the app stays."""
    asked = asker(context)
    wanted = target(asked, name)

    async def removing(client: Client) -> Told | Plan:
        instances = client.all_apps(asked.app_kind).instances(wanted.app)
        told = await sent(instances.delete(wanted.instance), dry_run=dry_run)
        return await until_gone(client, asked, wanted, timeout) if wait and isinstance(told, Told) else told

    show_told(asked.ask(removing, app_hints(asked, wanted)), form)
