"""`paasctl database` and `paasctl middleware`: the same commands for either kind."""

from dataclasses import replace

import typer

from paas_client.commands import changing, editing, making, reading, stories, watch
from paas_client.commands.asking import asker
from paas_client.models import Kind


def kind_app(kind: Kind, short: str) -> typer.Typer:
    """The commands of one kind."""
    app = typer.Typer(no_args_is_help=True, help=f"The {kind} instances (short: {short}).")

    @app.callback()
    def choose(context: typer.Context) -> None:
        context.obj = replace(asker(context), kind=kind)

    for part in (reading.app, making.app, editing.app, changing.app, stories.app, watch.app):
        app.add_typer(part)
    return app
