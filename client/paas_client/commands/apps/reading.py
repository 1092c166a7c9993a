"""What apps there are, and how their instances are."""

import typer
from rich.text import Text

from paas_client import show
from paas_client.app_models import AppInstance, Component, ExposedPort, KubeApp, Usage
from paas_client.apps import Apps
from paas_client.commands.apps import bar
from paas_client.commands.apps.naming import AnyName, AppName, Target, app_hints, target
from paas_client.commands.asking import Asker, asker

app = typer.Typer()


@app.command("list")
def all_apps(context: typer.Context, form: show.FormOption = show.Form.table) -> None:
    """List the apps: how much of their pools is in use, and their ports."""
    found = asker(context).ask_apps(lambda apps: apps.all())
    rows = [
        (each.name, each.tenant or "-", each.plan, each.cluster, _of(each.memory_units_in_use, each.memory_units),
         _of(each.ports_in_use, each.max_ports), str(each.instances), note(each) or "-")
        for each in found
    ]  # fmt: skip
    columns = ("NAME", "TENANT", "PLAN", "CLUSTER", "UNITS", "PORTS", "INSTANCES", "NOTE")
    show.answer(form, [each.document() for each in found], lambda: show.table(columns, rows))


@app.command("show")
def one(context: typer.Context, name: AnyName, form: show.FormOption = show.Form.table) -> None:
    """Show an app, its pool and its instances; or one instance: how each component is, and why."""
    asked = asker(context)
    wanted = target(asked, name, least=1)
    if wanted.instance:
        found = asked.ask_apps(
            lambda apps: apps.instances(wanted.app).get(wanted.instance), app_hints(asked, wanted)
        )  # fmt: skip
        return show_instance(found, form)
    return _show_app(asked, wanted, form)


def _show_app(asked: Asker, wanted: Target, form: show.Form) -> None:
    async def ask(apps: Apps) -> tuple[KubeApp, Usage, list[AppInstance]]:
        name = wanted.app
        return await apps.get(name), await apps.usage(name), await apps.instances(name).all()

    known, usage, instances = asked.ask_apps(ask, app_hints(asked, wanted))

    def draw() -> None:
        draw_app(known)
        print()
        bar.draw(usage)
        if instances:
            print()
            columns = ("INSTANCE", "COMPONENT", "STATE", "READY", "REASON")
            show.table(columns, [row for each in instances for row in _listed(each)])

    show.answer(form, known.document(), draw)


@app.command()
def usage(context: typer.Context, name: AppName, form: show.FormOption = show.Form.table) -> None:
    """Show who takes what of an app's pool and what waits for memory, and its ports."""
    asked = asker(context)
    wanted = target(asked, name, least=1, most=1)
    found = asked.ask_apps(lambda apps: apps.usage(wanted.app), app_hints(asked, wanted))

    def draw() -> None:
        bar.draw(found)
        print()
        print(f"{len(found.ports)} of {found.max_ports} ports")
        draw_ports(found.ports)

    show.answer(form, found.document(), draw)


def show_instance(found: AppInstance, form: show.Form) -> None:
    """With its components and where they are reached."""

    def draw() -> None:
        pairs: list[tuple[str, str | Text]] = [
            ("name", f"{found.app}/{found.name}"), ("environment", found.environment), ("id", found.id),
            ("state", show.state(found.state)), ("note", note(found)), ("created", show.moment(found.created_at)),
        ]  # fmt: skip
        show.fields(pairs)
        print()
        columns = ("COMPONENT", "STATE", "READY", "UNITS", "IMAGE", "REASON")
        show.table(columns, [_component(one) for one in found.components])
        draw_ports([port for one in found.components for port in one.ports])

    show.answer(form, found.document(), draw)


def draw_app(known: KubeApp) -> None:
    """The app itself."""
    pairs: list[tuple[str, str | Text]] = [
        ("name", known.name), ("tenant", known.tenant), ("plan", known.plan), ("cluster", known.cluster),
        ("namespace", known.namespace), ("units", str(known.memory_units)),
        ("ports", _of(known.ports_in_use, known.max_ports)), ("note", note(known)),
        ("created", show.moment(known.created_at)),
    ]  # fmt: skip
    show.fields(pairs)


def draw_ports(ports: list[ExposedPort]) -> None:
    """Where they are reached; nothing where there are none."""
    if ports:
        print()
        columns = ("INSTANCE/COMPONENT", "PORT", "OUTSIDE", "ADDRESS", "URL")
        rows = [(f"{port.instance}/{port.component}", _inside(port), str(port.port), port.ip or "-", port.url)
                for port in ports]  # fmt: skip
        show.table(columns, rows)


def _inside(port: ExposedPort) -> str:
    return str(port.container_port) if port.protocol == "TCP" else f"{port.container_port}/{port.protocol}"


def note(found: KubeApp | AppInstance) -> str:
    """That it is being made or deleted, and what that waits for."""
    doing = {"going": "being deleted", "making": "being made"}.get(found.phase, "")
    return ": ".join(filter(None, (doing, found.why)))


def _of(some: float, most: float) -> str:
    return f"{bar.units(some) or '0'} of {bar.units(most) or '0'}"


def _listed(found: AppInstance) -> list[tuple[str | Text, ...]]:
    if not found.components:
        return [(found.name, "-", show.state(found.state), "-", note(found) or "-")]
    return [
        (found.name, one.name, show.state(one.state), f"{one.ready}/{one.desired}", note(found) or one.reason)
        for one in found.components
    ]


def _component(one: Component) -> tuple[str | Text, ...]:
    ready = f"{one.ready}/{one.desired}"
    return (one.name, show.state(one.state), ready, bar.units(one.memory_units), one.image, one.reason)
