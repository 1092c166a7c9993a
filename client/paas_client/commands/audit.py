"""`paasctl audit`: who asked for which change, and how it was answered."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from paas_client import show
from paas_client.client import Client
from paas_client.commands.asking import asker
from paas_client.commands.naming import holder_names
from paas_client.registry import Deed

app = typer.Typer()

WhoOption = Annotated[
    str, typer.Option("--who", metavar="NAME", help="Only what this one asked for.", autocompletion=holder_names)
]
_MOMENT = "as 30m, 2h, 7d (ago), 2026-06-28 or 2026-06-28T10:00"
SinceOption = Annotated[str, typer.Option("--since", help=f"Only from this moment on, {_MOMENT}.")]
UntilOption = Annotated[str, typer.Option("--until", help="Only before this moment, in the same words.")]
LimitOption = Annotated[int, typer.Option("--limit", min=1, help="How many, the newest first.")]
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@app.command()
def audit(
    context: typer.Context,
    who: WhoOption = "",
    since: SinceOption = "",
    until: UntilOption = "",
    limit: LimitOption = 50,
    form: show.FormOption = show.Form.table,
) -> None:
    """List who asked for which change, also what was refused. It takes the token of an administrator."""
    now = datetime.now(UTC)
    bounds = {key: moment(text, now) for key, text in (("since", since), ("until", until))}

    async def reading(client: Client) -> list[Deed]:
        deeds: list[Deed] = []
        async for deed in client.audit.all(who=who, **bounds):
            deeds.append(deed)
            if len(deeds) == limit:
                break
        return deeds

    deeds = asker(context).ask(reading)
    columns = ("AT", "WHO", "FROM", "ASKED", "ANSWER", "SENTENCE")
    show.answer(form, [deed.document() for deed in deeds], lambda: show.table(columns, map(_row, deeds)))


def moment(text: str, now: datetime) -> str:
    """What a person says of a moment, as RFC 3339; what has no zone is in the reader's. Empty stays empty."""
    if not text:
        return ""
    try:
        if ago := re.fullmatch(r"(\d+)([smhd])", text):
            return (now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})).isoformat()
        return datetime.fromisoformat(text).astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"{text} is no moment; say it {_MOMENT}") from None


def _row(deed: Deed) -> tuple[str, ...]:
    # What the controller tells by itself was asked by no request: it is about a host.
    path = deed.path.removeprefix("/apis/v1alpha1/").removeprefix("/api/v1/")
    asked = f"{deed.method} {path}" if path else deed.about
    who = f"{deed.who} ({deed.tenant})" if deed.tenant else deed.who
    return show.moment(deed.at), who, deed.peer, asked, deed.code or "done", show.first_line(deed.sentence)
