"""`put`: instances made of a file."""

from typing import Annotated, Any

import typer

from paas_client import show
from paas_client.app_models import AppInstance
from paas_client.client import Client
from paas_client.commands import documents
from paas_client.commands.apps.naming import AppName, Target, app_hints, target
from paas_client.commands.apps.reading import show_instance
from paas_client.commands.apps.waiting import Goal, watched
from paas_client.commands.asking import Asker, Hints, WaitFailed, asker
from paas_client.commands.documents import FileOption
from paas_client.commands.options import DryRunOption, TimeoutOption, WaitOption
from paas_client.commands.planning import sent, show_plan
from paas_client.commands.waiting import DEFAULT_TIMEOUT
from paas_client.errors import Conflict, Unauthorized
from paas_client.models import Plan

app = typer.Typer()

StrictOption = Annotated[
    bool, typer.Option("--strict", help="Refuse it where the pool has too little, rather than let it wait.")
]
_KINDS = {"apps": "AppInstance", "caas_apps": "CaasInstance"}
_SHORT = "does not fit"
"""How a refusal begins that is about memory, and not about who asks."""


@app.command()
def put(
    context: typer.Context,
    name: AppName,
    file: FileOption,
    strict: StrictOption = False,
    wait: WaitOption = False,
    timeout: TimeoutOption = DEFAULT_TIMEOUT,
    dry_run: DryRunOption = False,
    form: show.FormOption = show.Form.table,
) -> None:
    """Create an instance of an app from a JSON or YAML file. One that is there is not changed: remove it first.

    What fits into the pool starts; the rest waits for memory and says so. --wait ends when all of it runs, or where
    something is wrong that does not mend itself.
    """
    asked = asker(context)
    wanted = target(asked, name, least=1, most=1)
    body = {"kind": _KINDS[asked.app_kind]} | documents.given(file)
    made_of = Target(wanted.app, str(body.get("name")))

    async def putting(client: Client) -> AppInstance | Plan:
        made = await _sent(client, asked, made_of, body, strict=strict, dry_run=dry_run)
        if wait and isinstance(made, AppInstance):
            return await watched(client, asked, made_of, Goal("running"), made, timeout)
        return made

    hints: Hints = {**app_hints(asked, wanted), Conflict: f"see what is there: {asked.app_command} show {wanted.app}"}
    made = asked.ask(putting, hints)
    if isinstance(made, Plan):
        return show_plan(made, form)
    return show_instance(made, form)


async def _sent(
    client: Client, asked: Asker, made_of: Target, body: dict[str, Any], *, strict: bool, dry_run: bool
) -> AppInstance | Plan:
    instances = client.all_apps(asked.app_kind).instances(made_of.app)
    try:
        return await sent(instances.create(body, strict=strict), dry_run=dry_run)
    except Unauthorized as error:
        if not error.message.startswith(_SHORT):
            raise
        usage = f"see who has what: {asked.app_command} usage {made_of.app}; without --strict it waits"
        raise WaitFailed(f"{made_of.name} was not created: it {error.message}", usage) from None
