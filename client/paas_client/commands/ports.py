"""`paasctl port`: pools of ports by which apps are reached, and reservations."""

import re
from enum import StrEnum
from typing import Annotated

import typer
from rich.text import Text

from paas_client import show
from paas_client.commands.asking import Hints, asker
from paas_client.commands.naming import known_pools, near_hints, pool_names
from paas_client.commands.options import DryRunOption
from paas_client.commands.planning import sent, show_plan, show_told
from paas_client.models import Plan
from paas_client.ports import Port, PortPool

app = typer.Typer(no_args_is_help=True, help="The ports by which apps are reached: pools of them, and reservations.")


class Way(StrEnum):
    """Where a port opens."""

    node_port = "node-port"
    host_port = "host-port"
    external_ip = "external-ip"


NewPool = Annotated[str, typer.Argument(metavar="NAME", help="1 to 40 of a-z, 0-9 and -.")]
PoolName = Annotated[str, typer.Argument(metavar="NAME", help="Which pool.", autocompletion=pool_names)]
_OWNER = "Who alone may have them; an app is app.NAME or caas.NAME."
Owner = Annotated[str, typer.Argument(metavar="OWNER", help=_OWNER)]
ClusterOption = Annotated[str, typer.Option("--cluster", help="A cluster that the controller's settings name.")]
RangeOption = Annotated[str, typer.Option("--ports", metavar="FIRST-LAST", help="As in 30000-30099.")]
WayOption = Annotated[
    Way, typer.Option("--way", help="Open on every node, on the hosts named here, or at addresses of the cluster.")
]
HostsOption = Annotated[
    list[str] | None,
    typer.Option("--host", metavar="ADDRESS[=NODE]", help="Where they are, and the node that has this address."),
]
TenantOption = Annotated[str, typer.Option("--tenant", help="The hosts are for this tenant alone.")]
CountOption = Annotated[int, typer.Option("--count", min=0, max=100, help="How many, the lowest that are free.")]
TheseOption = Annotated[list[int] | None, typer.Option("--port", min=1, max=65535, help="This one; may be repeated.")]
SecondsOption = Annotated[int, typer.Option("--seconds", min=1, max=86400, help="For how long.")]
HostOption = Annotated[str, typer.Option("--host", metavar="ADDRESS", help="On this one, where the pool has several.")]


@app.command()
def create(
    context: typer.Context,
    name: NewPool,
    cluster: ClusterOption,
    ports: RangeOption,
    way: WayOption = Way.node_port,
    hosts: HostsOption = None,
    tenant: TenantOption = "",
    dry_run: DryRunOption = False,
    form: show.FormOption = show.Form.table,
) -> None:
    """Name ports that may be given away."""
    first, last = _range(ports)
    named = [_host(host, tenant) for host in hosts or ()]
    if tenant and not named:
        raise typer.BadParameter("names no host; say which with --host", param_hint="--tenant")
    made = asker(context).ask(
        lambda client: sent(
            client.ports.create(name, cluster, first, last, way=way.value, hosts=named), dry_run=dry_run
        )
    )
    if isinstance(made, Plan):
        return show_plan(made, form)
    return show.answer(form, made.document(), lambda: show.fields(_described(made)))


@app.command("list")
def all_pools(context: typer.Context, form: show.FormOption = show.Form.table) -> None:
    """List the pools, and how many ports of each are left."""
    pools = asker(context).ask(lambda client: client.ports.all())
    rows = [
        (pool.name, pool.cluster, pool.way, _ports(pool), str(pool.taken), str(pool.reserved), str(pool.free))
        for pool in pools
    ]
    columns = ("NAME", "CLUSTER", "WAY", "PORTS", "TAKEN", "RESERVED", "FREE")
    show.answer(form, [pool.document() for pool in pools], lambda: show.table(columns, rows))


@app.command("show")
def one(context: typer.Context, name: PoolName, form: show.FormOption = show.Form.table) -> None:
    """Show a pool, and who has what of it."""
    pool = asker(context).ask(lambda client: client.ports.get(name), _hints(name))

    def draw() -> None:
        show.fields(_described(pool))
        if pool.ports:
            columns = ("PORT", "STATE", "OWNER", "INSTANCE", "COMPONENT", "UNTIL")
            show.table(columns, [_row(port) for port in pool.ports])

    show.answer(form, pool.document(), draw)


@app.command()
def free(context: typer.Context, name: PoolName, form: show.FormOption = show.Form.table) -> None:
    """Show which ports of a pool are free."""
    found = asker(context).ask(lambda client: client.ports.free(name), _hints(name))
    rows = [(each.host or "every node", str(each.first), str(each.last)) for each in found.ranges]
    show.answer(form, found.document(), lambda: show.table(("HOST", "FIRST", "LAST"), rows))


@app.command()
def delete(
    context: typer.Context, name: PoolName, dry_run: DryRunOption = False, form: show.FormOption = show.Form.table
) -> None:
    """Delete a pool of which nothing is taken. What is reserved of it ends."""
    show_told(asker(context).ask(lambda client: sent(client.ports.delete(name), dry_run=dry_run), _hints(name)), form)


@app.command()
def reserve(
    context: typer.Context,
    name: PoolName,
    owner: Owner,
    count: CountOption = 0,
    ports: TheseOption = None,
    seconds: SecondsOption = 3600,
    host: HostOption = "",
    dry_run: DryRunOption = False,
    form: show.FormOption = show.Form.table,
) -> None:
    """Keep ports for somebody; they are free again when the time is up.

    Shown is all that the owner then has reserved of the pool. Ports that the owner has already are prolonged.
    """
    if bool(count) == bool(ports):
        raise typer.BadParameter("say how many, or say which with --port", param_hint="--count")
    made = asker(context).ask(
        lambda client: sent(
            client.ports.reserve(name, owner, seconds, count=count, ports=ports or (), host=host), dry_run=dry_run
        ),
        _hints(name),
    )
    if isinstance(made, Plan):
        return show_plan(made, form)
    rows = [(each.host or "every node", str(each.port), show.moment(each.expires_at)) for each in made.ports]
    return show.answer(form, made.document(), lambda: show.table(("HOST", "PORT", "UNTIL"), rows))


@app.command()
def release(
    context: typer.Context,
    name: PoolName,
    owner: Owner,
    dry_run: DryRunOption = False,
    form: show.FormOption = show.Form.table,
) -> None:
    """Free at once what somebody has reserved of a pool."""
    ended = asker(context).ask(lambda client: sent(client.ports.release(name, owner), dry_run=dry_run))
    show_told(ended, form)


def _hints(name: str) -> Hints:
    return near_hints(name, known_pools, "paasctl port list")


def _range(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,5})-(\d{1,5})", text)
    if not found:
        raise typer.BadParameter("is FIRST-LAST, as in 30000-30099", param_hint="--ports")
    return int(found[1]), int(found[2])


def _host(text: str, tenant: str) -> dict[str, str]:
    address, _, node = text.partition("=")
    return {"address": address, "node": node, "tenant": tenant}


def _ports(pool: PortPool) -> str:
    return f"{pool.first}-{pool.last}"


def _described(pool: PortPool) -> list[tuple[str, str | Text]]:
    left = f"{pool.free} of {pool.size} free, {pool.taken} taken, {pool.reserved} reserved, {pool.foreign} foreign"
    hosts = [f"{host.address} ({', '.join(filter(None, (host.node, host.tenant)))})" for host in pool.hosts]
    return [
        ("name", pool.name), ("cluster", pool.cluster), ("way", pool.way), ("ports", _ports(pool)),
        ("hosts", ", ".join(host.replace(" ()", "") for host in hosts)), ("left", left),
    ]  # fmt: skip


def _row(port: Port) -> tuple[str, ...]:
    where = f"{port.host}:{port.port}" if port.host else str(port.port)
    return (where, port.state, port.owner, port.instance or "-", port.component or "-", show.moment(port.expires_at))
