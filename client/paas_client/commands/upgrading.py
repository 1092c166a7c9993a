"""`paasctl host upgrade`: agents are brought to the newest version that the controller has."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer

from paas_client import show
from paas_client.client import Client
from paas_client.commands.asking import USAGE, TimeIsUp, WaitFailed, asker
from paas_client.commands.naming import host_names, known_hosts, near_hints
from paas_client.commands.options import DryRunOption, TimeoutOption, WaitOption
from paas_client.commands.patience import patiently
from paas_client.commands.planning import sent, show_plan, show_told
from paas_client.commands.waiting import DEFAULT_TIMEOUT
from paas_client.models import Plan, Told
from paas_client.progress import Progress
from paas_client.registry import Host, UpgradePlan

_LOOK_EVERY = 0.4

AnyHost = Annotated[str, typer.Argument(metavar="[ID]", help="ADDRESS:PORT of the agent.", autocompletion=host_names)]
BatchOption = Annotated[
    int, typer.Option("--batch", min=1, max=1000, help="With --all: hosts at once, after the first.")
]


def upgrade(
    context: typer.Context,
    identifier: AnyHost = "",
    every: Annotated[bool, typer.Option("--all", help="Every host for which there is a newer agent.")] = False,
    batch: BatchOption = 10,
    wait: WaitOption = False,
    timeout: TimeoutOption = DEFAULT_TIMEOUT,
    dry_run: DryRunOption = False,
    form: show.FormOption = show.Form.table,
) -> None:
    """Upgrade the agent of a host, or of all: one first, then in batches.

    The next batch begins when each host of the last one reports the new version and runs what it ran. A version that
    does not report goes back by itself, and the first failure stops those whose turn has not come.
    """
    if bool(identifier) == every:
        show.failure("name one host, or say --all")
        raise typer.Exit(USAGE)
    if every:
        return _every(context, batch, timeout if wait else 0, dry_run, form)
    return _one(context, identifier, timeout if wait else 0, dry_run, form)


def _one(context: typer.Context, identifier: str, seconds: float, dry_run: bool, form: show.Form) -> None:
    async def question(client: Client) -> Told | Plan:
        told = await sent(client.hosts.upgrade(identifier), dry_run=dry_run)
        if seconds and isinstance(told, Told):
            await _ended(client, [identifier], seconds)
            return Told(name=identifier, msg=f"has version {(await client.hosts.get(identifier)).version} now")
        return told

    show_told(asker(context).ask(question, near_hints(identifier, known_hosts, "paasctl host list")), form)


def _every(context: typer.Context, batch: int, seconds: float, dry_run: bool, form: show.Form) -> None:
    async def question(client: Client) -> UpgradePlan | Plan:
        plan = await sent(client.hosts.upgrade_all(batch), dry_run=dry_run)
        if seconds and isinstance(plan, UpgradePlan):
            await _ended(client, [host for each in plan.batches for host in each], seconds)
        return plan

    plan = asker(context).ask(question)
    if isinstance(plan, Plan):
        return show_plan(plan, form)
    done = ", done" if seconds else ""
    rows = [(host, f"batch {number}{done}", "") for number, each in enumerate(plan.batches) for host in each]
    rows += [(each.host, "left out", each.why) for each in plan.left_out]
    if form is show.Form.table and not rows:
        return show.note("no host has an older version than this controller")
    return show.answer(form, plan.document(), lambda: show.table(("HOST", "UPGRADE", "WHY"), rows))


async def _ended(client: Client, identifiers: Sequence[str], seconds: float) -> None:
    """Returns when all are upgraded; raises WaitFailed where one is not, and TimeIsUp."""
    with Progress() as progress:
        try:
            async with asyncio.timeout(seconds):
                while going := _going(await patiently(lambda: _hosts(client, identifiers), progress)):
                    progress.doing(going, sort=going)
                    await asyncio.sleep(_LOOK_EVERY)
        except TimeoutError:
            told = f"not all are upgraded after {seconds:g} s"
            raise TimeIsUp(told, "how far they are: paasctl host list") from None


async def _hosts(client: Client, identifiers: Sequence[str]) -> list[Host]:
    if len(identifiers) == 1:
        return [await client.hosts.get(identifiers[0])]
    return [host for host in await client.hosts.all() if host.id in set(identifiers)]


def _going(hosts: Sequence[Host]) -> str:
    """What is under way, in words; empty where all are done. Raises WaitFailed where nothing more will come."""
    states = [(host, host.upgrade.state) for host in hosts if host.upgrade]
    busy = [f"{host.id} {state}" for host, state in states if state in ("fetching", "checking")]
    if busy:
        done = sum(state == "done" for _, state in states)
        return f"{done} of {len(hosts)} done; {', '.join(busy[:3])}{', …' if len(busy) > 3 else ''}"
    for host, state in states:
        if host.upgrade and state == "failed":
            raise WaitFailed(f"{host.id} is not upgraded: {host.upgrade.sentence}", f"paasctl host show {host.id}")
    waiting = [host.id for host, state in states if state == "waiting"]
    return f"{waiting[0]} waiting" if waiting else ""


def upgraded(host: Host) -> str:
    """How the upgrade of its agent goes or went, in words; empty where there was none."""
    if host.upgrade is None:
        return ""
    told = f"to {host.upgrade.version}: {host.upgrade.state} since {show.moment(host.upgrade.since)}"
    return f"{told}: {host.upgrade.sentence}" if host.upgrade.sentence else told
