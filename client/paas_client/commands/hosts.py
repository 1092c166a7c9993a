"""`paasctl host`: the registry of hosts."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.text import Text

from paas_client import show
from paas_client.commands.asking import Hints, asker
from paas_client.errors import NotFound
from paas_client.models import Host

app = typer.Typer(no_args_is_help=True, help="The hosts, each with its agent; an ID is ADDRESS:PORT.")

HostId = Annotated[str, typer.Argument(metavar="ID", help="ADDRESS:PORT of the agent, as in 192.168.19.100:3335.")]
_HINTS: Hints = {NotFound: "see which there are: paasctl host list"}


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
    """List the hosts: absent (no agent yet), online, or lost (not heard of)."""
    hosts = asker(context).ask(lambda client: client.hosts.all())
    if form is show.Form.json:
        return show.document([host.document() for host in hosts])
    rows = [(host.id, show.state(host.state), host.version or "-", show.moment(host.last_heard)) for host in hosts]
    return show.table(("ID", "STATE", "VERSION", "LAST HEARD"), rows)


@app.command("show")
def one(context: typer.Context, identifier: HostId, form: show.FormOption = show.Form.table) -> None:
    """Show a host, its facts, and what stands on it."""
    host = asker(context).ask(lambda client: client.hosts.get(identifier), _HINTS)
    if form is show.Form.json:
        return show.document(host.document())
    return show.fields(_described(host))


@app.command()
def delete(context: typer.Context, identifier: HostId) -> None:
    """Forget a host, and make its agent's token worthless.

    Refused while instances stand on it.
    """
    deleted = asker(context).ask(lambda client: client.hosts.delete(identifier), _HINTS)
    show.lines([f"{deleted.name}: {deleted.msg}"])


def _described(host: Host) -> list[tuple[str, Text | str]]:
    pairs: list[tuple[str, Text | str]] = [
        ("host", host.id), ("state", show.state(host.state)), ("version", host.version),
        ("last heard", show.moment(host.last_heard)), ("members", ", ".join(host.members) or "none"),
    ]  # fmt: skip
    return pairs + [(key.replace("_", " "), _fact(key, value)) for key, value in host.facts.items()]


def _fact(key: str, value: Any) -> str:
    """Facts are what the agent makes them: sizes are in bytes, moments in seconds since the epoch."""
    if isinstance(value, int) and key.startswith(("memory", "disk")):
        return f"{value / 1e9:.1f} GB"
    if isinstance(value, float) and key.endswith("_at"):
        return show.moment(datetime.fromtimestamp(value, UTC))
    return str(value)
