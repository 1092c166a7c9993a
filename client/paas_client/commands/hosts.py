"""`paasctl host`: the registry of hosts."""

from typing import Annotated

import typer
from rich.text import Text

from paas_client import show
from paas_client.client import Client
from paas_client.commands import documents, facts
from paas_client.commands.asking import USAGE, Asker, Hints, asker
from paas_client.commands.bootstrapping import bootstrap, bootstrapped
from paas_client.commands.draining import drain, drained, pending
from paas_client.commands.naming import host_names, known_hosts, near_hints
from paas_client.commands.options import DryRunOption, HostId
from paas_client.commands.planning import sent, show_plan, show_told
from paas_client.commands.upgrading import upgrade, upgraded
from paas_client.models import Plan
from paas_client.registry import Connection, Host

app = typer.Typer(no_args_is_help=True, help="The hosts, each with its agent; an ID is ADDRESS:PORT.")

Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="IP address or name of the host.")]
AgentPort = Annotated[int, typer.Option("--agent-port", min=1, max=65535, help="Where its agent listens.")]
SshPort = Annotated[
    int | None, typer.Option("--ssh-port", min=1, max=65535, show_default="22", help="Where SSH listens.")
]
ReachFile = Annotated[
    str, typer.Option("--file", "-f", help="JSON or YAML file with ssh_port, auth, connection; - reads stdin.")
]
_CONNECTION = "How orders reach its agent: called at its address, down a tunnel that it keeps, or by whichever works."
ConnectionOption = Annotated[Connection | None, typer.Option("--connection", show_default=False, help=_CONNECTION)]


@app.command()
def token(context: typer.Context) -> None:
    """Print a one-time token that lets one agent join.

    The token stands alone on stdout; the rest goes to stderr.
    """
    made = asker(context).ask(lambda client: client.hosts.new_join_token())
    print(made.join_token)
    show.note(f"good for one agent, until {show.moment(made.expires_at)}")
    show.note("on the host: PAAS_AGENT_JOIN_TOKEN=… paas-agent join --controller URL")


@app.command("list")
def all_hosts(context: typer.Context, form: show.FormOption = show.Form.table) -> None:
    """List the hosts and the states of their agents.

    absent: there is none yet. installing: it is being installed. online: it reports. reconnecting: the connection that
    it keeps is broken. outdated: it reports, and there is a newer one. lost: it has not been heard of. Behind it stands
    whether the host is drained; NOTE says what failed there, and paasctl host show why.
    """
    hosts = asker(context).ask(lambda client: client.hosts.all())
    rows = [(host.id, _state(host), host.version or "-", show.moment(host.last_heard), _note(host)) for host in hosts]
    columns = ("ID", "STATE", "VERSION", "LAST HEARD", "NOTE")
    show.answer(form, [host.document() for host in hosts], lambda: show.table(columns, rows))


@app.command("show")
def one(context: typer.Context, identifier: HostId, form: show.FormOption = show.Form.table) -> None:
    """Show a host, its facts, and what stands on it."""
    host = asker(context).ask(lambda client: client.hosts.get(identifier), _hints(identifier))
    show.answer(form, host.document(), lambda: show.fields(_described(host)))


@app.command()
def add(
    context: typer.Context,
    address: Address,
    agent_port: AgentPort = 3335,
    ssh_port: SshPort = None,
    connection: ConnectionOption = None,
    dry_run: DryRunOption = False,
    form: show.FormOption = show.Form.table,
) -> None:
    """Name a host before anything stands on it. An agent that joins, or an instance, names its own."""
    way = connection or "direct"
    host = asker(context).ask(
        lambda client: sent(client.hosts.add(address, agent_port, ssh_port, connection=way), dry_run=dry_run)
    )
    if isinstance(host, Plan):
        return show_plan(host, form)
    return show.answer(form, host.document(), lambda: show.fields(_described(host)))


@app.command()
def edit(
    context: typer.Context,
    identifier: HostId,
    file: ReachFile = "",
    connection: ConnectionOption = None,
    dry_run: DryRunOption = False,
    form: show.FormOption = show.Form.table,
) -> None:
    """Change how a host is reached: by SSH, with its port and its credentials, and by orders.

    What is left out stays as it is, and so does what is masked.
    """
    if not file and connection is None:
        show.failure("say --connection, or name a file with -f")
        raise typer.Exit(USAGE)
    body, hints = (documents.given(file) if file else {}), _hints(identifier)
    body |= {"connection": connection} if connection else {}

    async def ask(client: Client) -> Host | Plan:
        edited = await sent(client.hosts.edit(identifier, body), dry_run=dry_run)
        return edited if isinstance(edited, Plan) else await client.hosts.get(identifier)

    host = asker(context).ask(ask, hints)
    if isinstance(host, Plan):
        return show_plan(host, form)
    return show.answer(form, host.document(), lambda: show.fields(_described(host)))


app.command()(bootstrap)
app.command()(drain)
app.command()(upgrade)


@app.command()
def rotate(
    context: typer.Context,
    identifier: Annotated[
        str, typer.Argument(metavar="[ID]", help="ADDRESS:PORT of the agent.", autocompletion=host_names)
    ] = "",
    every: Annotated[bool, typer.Option("--all", help="Every host that has an agent.")] = False,
    dry_run: DryRunOption = False,
    form: show.FormOption = show.Form.table,
) -> None:
    """Replace the tokens and the certificate of a host, or of all.

    The former ones are good until the new ones are used, so that nothing is lost.
    """
    if bool(identifier) == every:
        show.failure("name one host, or say --all")
        raise typer.Exit(USAGE)
    asking = asker(context)
    hosts = [identifier]
    if every:
        hosts = [host.id for host in asking.ask(lambda client: client.hosts.all()) if host.state != "absent"]
    for one in hosts:
        _rotate_one(asking, one, dry_run, form)


def _rotate_one(asking: Asker, identifier: str, dry_run: bool, form: show.Form) -> None:
    show_told(
        asking.ask(lambda client: sent(client.hosts.rotate(identifier), dry_run=dry_run), _hints(identifier)), form
    )


@app.command()
def delete(
    context: typer.Context,
    identifier: HostId,
    dry_run: DryRunOption = False,
    form: show.FormOption = show.Form.table,
) -> None:
    """Forget a host, and make its agent's token and certificate worthless.

    Refused while instances stand on it.
    """
    hints = _hints(identifier)
    show_told(asker(context).ask(lambda client: sent(client.hosts.delete(identifier), dry_run=dry_run), hints), form)


def _state(host: Host) -> Text:
    return show.state(host.state).append(", drained" if host.draining else "")


def _note(host: Host) -> str:
    known = {"bootstrap": host.bootstrap, "upgrade": host.upgrade}
    return ", ".join(f"{what} failed" for what, course in known.items() if course and course.state == "failed")


def _hints(identifier: str) -> Hints:
    return near_hints(identifier, known_hosts, "paasctl host list")


def _described(host: Host) -> list[tuple[str, Text | str]]:
    pairs: list[tuple[str, Text | str]] = [
        ("host", host.id), ("state", show.state(host.state)), ("drained", drained(host)), ("version", host.version),
        ("last heard", _heard(host)), ("connection", _connection(host)), ("ssh", _ssh(host)),
        ("host key", host.host_key), ("refused key", host.host_key_refused), ("bootstrap", bootstrapped(host)),
        ("certificate", f"until {show.moment(host.certificate_ends)}" if host.certificate_ends else ""),
        ("rotation", "with its next report" if host.rotating else ""), ("upgrade", upgraded(host)),
    ]  # fmt: skip
    members = Text("\n".join(map(show.clean, host.members)) or "none")
    return [*pairs, *facts.described(host.facts), ("members", members), ("pending", Text(pending(host)))]


def _heard(host: Host) -> str:
    """When it was heard last, as far as the controller knows since its own start."""
    return (
        "not since the controller was started" if host.version and not host.last_heard else show.moment(host.last_heard)
    )


def _connection(host: Host) -> str:
    """Where the host does not simply answer at its address."""
    if host.connection == "direct":
        return ""
    return f"{host.connection}, {'a' if host.tunnel else 'no'} tunnel is open"


def _ssh(host: Host) -> str:
    users = ", ".join(entry.get("username", "") for entry in host.auth)
    return f"port {host.ssh_port}" + (f", as {users}" if users else "")
