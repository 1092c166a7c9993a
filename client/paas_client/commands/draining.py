"""`paasctl host drain`: a host is emptied for maintenance, and taken back."""

import asyncio
from typing import Annotated

import typer

from paas_client import show
from paas_client.client import Client
from paas_client.commands.asking import TimeIsUp, asker
from paas_client.commands.naming import known_hosts, near_hints
from paas_client.commands.options import DryRunOption, HostId, TimeoutOption, WaitOption
from paas_client.commands.patience import patiently
from paas_client.commands.planning import sent, show_told
from paas_client.commands.waiting import DEFAULT_TIMEOUT
from paas_client.models import Plan, Told
from paas_client.progress import Progress
from paas_client.registry import Host

_LOOK_EVERY = 0.4


def drain(
    context: typer.Context,
    identifier: HostId,
    off: Annotated[bool, typer.Option("--off", help="End it: what is expected there comes up again.")] = False,
    wait: WaitOption = False,
    timeout: TimeoutOption = DEFAULT_TIMEOUT,
    dry_run: DryRunOption = False,
    form: show.FormOption = show.Form.table,
) -> None:
    """Stop what runs on a host, and bring nothing up there until `--off`.

    What is expected stays as it is, and so do the members on other hosts.
    """

    async def question(client: Client) -> Told | Plan:
        told = await sent(client.hosts.drain(identifier, enabled=not off), dry_run=dry_run)
        if wait and isinstance(told, Told):
            await _settled(client, identifier, timeout)
        return told

    show_told(asker(context).ask(question, near_hints(identifier, known_hosts, "paasctl host list")), form)


async def _settled(client: Client, identifier: str, seconds: float) -> None:
    """Returns when every member on the host is as it is to be there; raises TimeIsUp."""
    host = await client.hosts.get(identifier)
    with Progress() as progress:
        try:
            async with asyncio.timeout(seconds):
                while host.pending:
                    progress.doing(first := _first(host), sort=first)
                    await asyncio.sleep(_LOOK_EVERY)
                    host = await patiently(lambda: client.hosts.get(identifier), progress)
        except TimeoutError:
            message = f"{identifier} is not ready after {seconds:g} s; {_first(host)}"
            raise TimeIsUp(message, f"what is left: paasctl host show {identifier}") from None


def _first(host: Host) -> str:
    """What is waited for first, and how much more there is."""
    first, others = host.pending[0], len(host.pending) - 1
    return f"{first.member}: {first.why or 'is due'}" + (f"; {others} more" if others else "")


def drained(host: Host) -> str:
    """Who drains it and since when, in words; empty where nobody does."""
    return f"by {host.draining.by} since {show.moment(host.draining.since)}" if host.draining else ""


def pending(host: Host) -> str:
    """What is still to be done on it, a member a line."""
    return "\n".join(show.clean(f"{each.member}: {each.why or 'is due'}") for each in host.pending)
