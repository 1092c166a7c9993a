"""How an instance of an app is named on the command line: APP/INSTANCE, one component of it APP/INSTANCE/COMPONENT."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from typer.core import TyperArgument, TyperCommand

from paas_client.app_models import AppKind
from paas_client.apps import Apps
from paas_client.client import Client
from paas_client.commands.asking import Asker, Hints
from paas_client.commands.naming import completed, near
from paas_client.errors import ClientError, NotFound


@dataclass(frozen=True)
class Target:
    """What is meant; `instance` and `component` are empty where a word names no more."""

    app: str
    instance: str = ""
    component: str = ""

    @property
    def name(self) -> str:
        return "/".join(filter(None, (self.app, self.instance, self.component)))


def target(asked: Asker, text: str, *, least: int = 2, most: int = 2) -> Target:
    """From the command line; the end of the program where it has fewer or more parts than that."""
    parts = text.split("/")
    if asked.app_kind == "caas_apps":
        most = min(most, 2)
    if not (least <= len(parts) <= most and all(parts)):
        said = ["APP", "APP/INSTANCE", "APP/INSTANCE/COMPONENT"][least - 1 : most]
        raise typer.BadParameter(f"{text!r} is not {' or '.join(said)}")
    return Target(*parts)


def app_names(context: typer.Context, incomplete: str) -> list[str]:
    """For the shell."""
    return completed(context, incomplete, lambda client: _apps(client.all_apps(_kind(context))))


def target_names(context: typer.Context, incomplete: str) -> list[str]:
    """For the shell: APP/ first, and APP/INSTANCE once it is known of which app."""
    app, slash, _ = incomplete.partition("/")

    async def names(client: Client) -> list[str]:
        apps = client.all_apps(_kind(context))
        if slash:
            return [f"{app}/{instance.name}" for instance in await apps.instances(app).all()]
        return [f"{name}/" for name in await _apps(apps)]

    return completed(context, incomplete, names)


def app_hints(asked: Asker, wanted: Target) -> Hints:
    """Where there is no such app or instance: the one that was meant, and the command that lists them."""

    async def hint(client: Client, error: ClientError) -> str:
        apps = client.all_apps(asked.app_kind)
        with suppress(ClientError):
            here = await _apps(apps)
            if wanted.app not in here:
                return _meant(near(wanted.app, here), f"{asked.app_command} list")
            there = [instance.name for instance in await apps.instances(wanted.app).all()]
            if wanted.instance in there and " pod " in error.message:
                return f"see its pods: {asked.app_command} pods {wanted.app}/{wanted.instance}"
            meant = near(wanted.instance, there) if wanted.instance not in there else ""
            return _meant(f"{wanted.app}/{meant}" if meant else "", f"{asked.app_command} show {wanted.app}")
        return f"see which there are: {asked.app_command} list"

    return {NotFound: hint}


def _meant(name: str, listing: str) -> str:
    return (f"did you mean {name}? " if name else "") + f"see which there are: {listing}"


async def _apps(apps: Apps) -> list[str]:
    return [app.name for app in await apps.all()]


def _kind(context: typer.Context) -> AppKind:
    return "caas_apps" if context.parent and context.parent.info_name == "caas" else "apps"


_PART = "[/COMPONENT]"


class PartCommand(TyperCommand):
    """What is said of a component or of its instance. A CaaS instance has no components to name."""

    def get_params(self, ctx: Any) -> list[Any]:  # typer names no type that is open to all
        params = super().get_params(ctx)
        for each in params if _kind(ctx) == "caas_apps" else ():
            if isinstance(each, TyperArgument) and each.metavar and each.metavar.endswith(_PART):
                each.metavar, each.help = each.metavar.removesuffix(_PART), "Which instance of which app."
        return params


AppName = Annotated[str, typer.Argument(metavar="APP", help="Which app.", autocompletion=app_names)]
InstanceName = Annotated[
    str, typer.Argument(metavar="APP/INSTANCE", help="Which instance of which app.", autocompletion=target_names)
]
PartName = Annotated[
    str,
    typer.Argument(
        metavar=f"APP/INSTANCE{_PART}", help="Which instance, or one component of it.",
        autocompletion=target_names,
    ),
]  # fmt: skip
AnyName = Annotated[
    str,
    typer.Argument(metavar="APP[/INSTANCE]", help="Which app, or which instance of it.", autocompletion=target_names),
]
