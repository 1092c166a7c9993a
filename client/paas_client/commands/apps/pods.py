"""What people look for next: the pods of an instance, what they write, and what the cluster says of it."""

from contextlib import aclosing
from typing import Annotated

import typer
from rich.text import Text

from paas_client import show
from paas_client.app_models import Happening, Pod
from paas_client.client import Client
from paas_client.commands.apps.naming import InstanceName, PartCommand, PartName, app_hints, target
from paas_client.commands.asking import Hints, asker
from paas_client.errors import ClientError, Conflict

app = typer.Typer()

PodOption = Annotated[str, typer.Option("--pod", help="Of this pod; the youngest if left out.")]
ContainerOption = Annotated[str, typer.Option("--container", help="Of this container, where a pod has several.")]
TailOption = Annotated[int, typer.Option("--tail", min=1, max=10_000, help="How many of the last lines.")]
FollowOption = Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is written, until the pod ends.")]


@app.command()
def pods(context: typer.Context, name: InstanceName, form: show.FormOption = show.Form.table) -> None:
    """List the pods of an instance: where they run, and what keeps them."""
    asked = asker(context)
    wanted = target(asked, name)
    found = asked.ask_apps(lambda apps: apps.instances(wanted.app).pods(wanted.instance), app_hints(asked, wanted))
    columns = ("POD", "COMPONENT", "PHASE", "READY", "RESTARTS", "NODE", "ADDRESS", "SINCE", "WHY")
    show.answer(form, [each.document() for each in found], lambda: show.table(columns, map(_pod, found)))


@app.command(cls=PartCommand)
def log(
    context: typer.Context,
    name: PartName,
    pod: PodOption = "",
    container: ContainerOption = "",
    tail: TailOption = 1000,
    follow: FollowOption = False,
) -> None:
    """Print what a pod of an instance, or of one component, has written."""
    asked = asker(context)
    wanted = target(asked, name, most=3)

    async def printing(client: Client) -> None:
        instances, of = client.all_apps(asked.app_kind).instances(wanted.app), wanted.instance
        if not follow:
            show.output(await instances.log(of, component=wanted.component, pod=pod, container=container, tail=tail))
            return
        lines = instances.follow(of, component=wanted.component, pod=pod, container=container, tail=tail)
        async with aclosing(lines):
            async for line in lines:
                show.output(line)

    async def which(_: Client, error: ClientError) -> str:
        of = f"{wanted.app}/{wanted.instance}"
        one = f"{wanted.name} --container CONTAINER" if "containers" in error.message else f"{of}/COMPONENT"
        return f"name one: {asked.app_command} log {one}"

    hints: Hints = {**app_hints(asked, wanted), Conflict: which}
    asked.ask(printing, hints, goes_on=False)


@app.command()
def events(context: typer.Context, name: InstanceName, form: show.FormOption = show.Form.table) -> None:
    """Tell what the cluster says happened to an instance, the latest last."""
    asked = asker(context)
    wanted = target(asked, name)
    found = asked.ask_apps(lambda apps: apps.instances(wanted.app).events(wanted.instance), app_hints(asked, wanted))
    rows = [(show.moment(each.at), str(each.count), each.about, _reason(each), each.message) for each in found]
    columns = ("AT", "TIMES", "ABOUT", "REASON", "MESSAGE")
    show.answer(form, [each.document() for each in found], lambda: show.table(columns, rows))


def _reason(happening: Happening) -> Text:
    return Text(show.clean(happening.reason), "red" if happening.warning else "")


def _pod(pod: Pod) -> tuple[str, ...]:
    phase = "stopping" if pod.leaving else pod.phase
    since = show.moment(pod.started_at)
    ready = "yes" if pod.ready else "no"
    return (pod.name, pod.component, phase, ready, str(pod.restarts), pod.node or "-", pod.address or "-", since,
            pod.why or "-")  # fmt: skip
