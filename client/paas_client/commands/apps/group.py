"""The same commands for either kind of apps."""

from dataclasses import replace

import typer

from paas_client.app_models import AppKind
from paas_client.commands.apps import changing, making, pods, pools, reading, watching
from paas_client.commands.asking import asker

_HELP: dict[AppKind, str] = {
    "apps": "The apps on Kubernetes: a pool of memory each, shared by instances that are made of components.",
    "caas_apps": "The CaaS apps on Kubernetes: a namespace each, for single containers made of templates.",
}


def apps_app(kind: AppKind) -> typer.Typer:
    """The commands of one kind."""
    app = typer.Typer(no_args_is_help=True, help=_HELP[kind])

    @app.callback()
    def choose(context: typer.Context) -> None:
        context.obj = replace(asker(context), app_kind=kind)

    for part in (reading.app, pools.app, making.app, changing.app, pods.app, watching.app):
        app.add_typer(part)
    return app
