"""What becomes of apps, as it happens."""

import typer

from paas_client import show
from paas_client.client import Client
from paas_client.commands.apps.naming import AnyName, app_hints, target
from paas_client.commands.asking import asker
from paas_client.commands.following import say_break, tell

app = typer.Typer()


@app.command()
def watch(context: typer.Context, name: AnyName, form: show.FormOption = show.Form.table) -> None:
    """Watch what becomes of an app or of one instance: a line for each change of a component, and why.

    Ctrl-C ends it.
    """
    asked = asker(context)
    wanted = target(asked, name, least=1)
    kind = "caas" if asked.app_kind == "caas_apps" else "app"

    async def watching(client: Client) -> None:
        apps = client.all_apps(asked.app_kind)
        await (apps.instances(wanted.app).get(wanted.instance) if wanted.instance else apps.get(wanted.app))
        async for event in client.app_stories.follow(kind, wanted.name, on_break=say_break):
            tell(event, form)

    asked.ask(watching, app_hints(asked, wanted), goes_on=False)
