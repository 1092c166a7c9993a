"""`paasctl host bootstrap`: the agent comes onto a host over SSH."""

import asyncio
from typing import Annotated

import typer

from paas_client import show
from paas_client.client import Client
from paas_client.commands.asking import TimeIsUp, WaitFailed, asker
from paas_client.commands.naming import known_hosts, near_hints
from paas_client.commands.options import DryRunOption, HostId, TimeoutOption, WaitOption
from paas_client.commands.patience import patiently
from paas_client.commands.planning import sent, show_told
from paas_client.models import Plan, Told
from paas_client.progress import Progress
from paas_client.registry import Host

_DEFAULT_TIMEOUT = 600.0
_LOOK_EVERY = 0.3
KeyOption = Annotated[
    str,
    typer.Option(
        "--accept-host-key", metavar="SHA256:…", help="The SSH key that was refused is the host's from now on."
    ),
]


def bootstrap(
    context: typer.Context,
    identifier: HostId,
    accept_host_key: KeyOption = "",
    wait: WaitOption = False,
    timeout: TimeoutOption = _DEFAULT_TIMEOUT,
    dry_run: DryRunOption = False,
    form: show.FormOption = show.Form.table,
) -> None:
    """Install the agent on a host over SSH, or bring it up again.

    Work that is due on a host with known credentials does this by itself, once; a host that had an agent waits for it.
    """

    async def ask(client: Client) -> Told | Plan:
        told = await sent(client.hosts.bootstrap(identifier, accept_host_key), dry_run=dry_run)
        if not wait or isinstance(told, Plan):
            return told
        return Told(name=identifier, msg=await _watched(client, identifier, timeout))

    show_told(asker(context).ask(ask, near_hints(identifier, known_hosts, "paasctl host list")), form)


def bootstrapped(host: Host) -> str:
    """How the installation over SSH stands, in a line; empty where there was none."""
    if not (course := host.bootstrap):
        return ""
    if course.state == "done":
        return f"{course.sentence}, {show.moment(course.since)}"
    again = f"; tried again at {show.moment(course.next_try)}" if course.next_try else ""
    return f"{course.phase}: {course.sentence or 'under way'}{again}"


async def _watched(client: Client, identifier: str, seconds: float) -> str:
    """What was done, when it is; WaitFailed where a phase fails."""
    doing = "it waits for its turn"
    with Progress() as progress:
        try:
            async with asyncio.timeout(seconds):
                while True:
                    course = (await patiently(lambda: client.hosts.get(identifier), progress)).bootstrap
                    if course and course.state == "done":
                        return course.sentence
                    if course and course.state == "failed":
                        again = f"it is tried again at {show.moment(course.next_try)}"
                        raise WaitFailed(f"{course.phase}: {course.sentence}", again)
                    doing = course.phase if course else doing
                    progress.doing(doing, sort=doing)
                    await asyncio.sleep(_LOOK_EVERY)
        except TimeoutError:
            told = f"{identifier} is not bootstrapped after {seconds:g} s; {doing}"
            raise TimeIsUp(told, f"how far it is: paasctl host show {identifier}") from None
