"""What databases and middleware are there, and how they are."""

from datetime import UTC, datetime

import typer
from rich.text import Text

from paas_client import show
from paas_client.commands.asking import asker
from paas_client.commands.naming import instance_hints
from paas_client.commands.options import (
    DriftFilter,
    ExpectFilter,
    HostFilter,
    LabelFilter,
    Name,
    RealtimeFilter,
)
from paas_client.commands.planning import show_status
from paas_client.instances import Filter, Instances
from paas_client.models import Listed, Member, Record

app = typer.Typer()


@app.command("list")
def all_instances(
    context: typer.Context,
    expect: ExpectFilter = "",
    realtime: RealtimeFilter = "",
    label: LabelFilter = None,
    host: HostFilter = "",
    drift: DriftFilter = False,
    form: show.FormOption = show.Form.table,
) -> None:
    """List them by name: what is expected, and what is there."""
    wanted = Filter(expect, realtime, label or (), host, drift)

    async def collect(instances: Instances) -> list[Listed]:
        return [item async for item in instances.all(wanted)]

    found = asker(context).ask_for(collect)
    columns = ("NAME", "EXPECT", "REALTIME", "NOTE", "HOSTS", "LABELS")
    show.answer(form, [item.document() for item in found], lambda: show.table(columns, map(_listed, found)))


@app.command("show")
def one(context: typer.Context, name: Name, form: show.FormOption = show.Form.table) -> None:
    """Show the whole record, its members, and the last operation of each.

    Secrets are masked.
    """
    asked = asker(context).about(name)
    record = asked.ask_for(lambda instances: instances.get(name), instance_hints(asked))

    def draw() -> None:
        show.fields(_described(record))
        print()
        columns = ("HOST", "REALTIME", "INSTALLED", "LAST OPERATION", "FAILURES", "NEXT TRY", "REASON")
        now = datetime.now(UTC)
        show.table(columns, [_member(member, now) for member in record.members])

    show.answer(form, record.document(), draw)


@app.command()
def status(context: typer.Context, name: Name, form: show.FormOption = show.Form.table) -> None:
    """Show what is expected and what is there, and nothing else."""
    asked = asker(context).about(name)
    show_status(asked.ask_for(lambda instances: instances.status(name), instance_hints(asked)), form)


def _listed(item: Listed) -> tuple[str | Text, ...]:
    expect, realtime = item.status.expect, show.state(item.status.realtime)
    labels = " ".join(f"{key}:{value}" for key, value in item.labels.items())
    return item.name, expect, realtime, _notes(item) or "-", ",".join(item.hosts), labels or "-"


def _notes(item: Listed | Record) -> str:
    words = {"held": item.held, "being deleted": item.deleting, "drift": item.drift}
    return ", ".join(word for word, so in words.items() if so)


def _described(record: Record) -> list[tuple[str, Text | str]]:
    metadata = [f"{key}={value}" for key, value in record.app.metadata.items() if key != "CreateAt"]
    labels = [f"{key}:{value}" for key, value in record.labels.items()]
    return [
        ("name", record.name),
        ("kind", record.type),
        ("expect", record.status.expect),
        ("realtime", show.state(record.status.realtime)),
        ("note", _notes(record)),
        ("labels", " ".join(labels)),
        ("depends on", " ".join(record.depends_on)),
        ("repository", record.app.repo_url),
        ("package", record.app.package),
        ("metadata", " ".join(metadata)),
        ("created", record.app.metadata.get("CreateAt", "")),
        ("generation", str(record.generation)),
    ]


def _member(member: Member, now: datetime) -> tuple[str | Text, ...]:
    last = member.last_operation
    told = f"{last.action} {last.state} ({last.id})" if last else "-"
    why = show.first_line(member.waiting or member.reason)
    failed = str(member.failures) if member.failures else "-"
    host = f"{member.host} (leaving)" if member.leaving else member.host
    installed = "yes" if member.installed else "no"
    return host, show.state(member.realtime), installed, told, failed, next_try(member, now), why


def next_try(member: Member, now: datetime) -> str:
    """When something is tried again of itself; a dash where nothing is due."""
    if member.retry_at is None or member.operation:
        return "-"
    seconds = (member.retry_at - now).total_seconds()
    return f"{show.clock(member.retry_at)}, in {seconds:.0f} s" if seconds > 0 else "-"
