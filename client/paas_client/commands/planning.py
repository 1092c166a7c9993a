"""What a write has led to, shown: the status, what it waits for, or the steps of a dry run."""

from typing import TypeVar

from rich.text import Text

from paas_client import show
from paas_client.change import Change
from paas_client.commands.asking import Asker
from paas_client.errors import NotFound
from paas_client.instances import Instances
from paas_client.models import InstanceStatus, Member, Plan, Told

T = TypeVar("T")


def show_status(answer: InstanceStatus, form: show.Form) -> None:
    pairs: list[tuple[str, str | Text]] = [
        ("name", answer.name), ("expect", answer.status.expect), ("realtime", show.state(answer.status.realtime)),
    ]  # fmt: skip
    show.answer(form, answer.document(), lambda: show.fields(pairs))


def show_plan(plan: Plan, form: show.Form) -> None:
    if form is show.Form.table and not plan.steps:
        return show.note("nothing would be done")
    rows = [(step.host or "-", step.action, step.why) for step in plan.steps]
    return show.answer(form, plan.document(), lambda: show.table(("HOST", "ACTION", "WHY"), rows))


async def sent(change: Change[T], *, dry_run: bool) -> T | Plan:
    """Done in earnest, or only planned."""
    return await change.plan() if dry_run else await change


def show_outcome(outcome: InstanceStatus | Plan, form: show.Form) -> None:
    if isinstance(outcome, Plan):
        return show_plan(outcome, form)
    return show_status(outcome, form)


def show_told(outcome: Told | Plan, form: show.Form) -> None:
    if isinstance(outcome, Plan):
        return show_plan(outcome, form)
    return show.answer(form, outcome.document(), lambda: show.lines([f"{outcome.name}: {outcome.msg}"]))


async def note_what_it_waits_for(instances: Instances, asked: Asker) -> None:
    """Says of each member why nothing is done about it now, where that is so."""
    try:
        record = await instances.get(asked.name)
    except NotFound:
        return
    for member in record.members:
        if not member.operation and (line := waits(member)):
            show.note(line)


def waits(member: Member) -> str:
    """Why nothing is done about a member now; empty where something is, or nothing has to be."""
    if not member.waiting:
        return ""
    where = "" if member.host in member.waiting else f"{member.host}: "
    due = f"; tried again at {show.clock(member.retry_at)}" if member.retry_at else ""
    return where + member.waiting + due
