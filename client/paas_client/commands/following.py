"""Stories as they happen, a line for each event."""

import json

from rich.text import Text

from paas_client import show
from paas_client.client import Client
from paas_client.commands.asking import Asker
from paas_client.errors import ClientError
from paas_client.models import Event


async def follow_story(client: Client, asked: Asker, limit: int, form: show.Form) -> None:
    """The last events of one instance, the oldest first, and whatever comes then."""
    past = (await client.instances(asked.kind).events(asked.name, limit=limit)).items
    for event in reversed(past):
        tell(event, form)
    last = past[0].id if past else None
    async for event in client.stories.follow(asked.kind, asked.name, after=last, on_break=say_break):
        tell(event, form)


async def follow_all(client: Client, kind: str, form: show.Form) -> None:
    """What happens from now on, to those of one kind or to all."""
    async for event in client.stories.follow(kind, on_break=say_break):
        tell(event, form)


def tell(event: Event, form: show.Form) -> None:
    """One line; a document for programs is one, too, so that each can be read as it comes."""
    match form:
        case show.Form.json:
            print(json.dumps(event.document(), ensure_ascii=False), flush=True)
        case show.Form.yaml:
            print("---\n" + show.as_yaml(event.document()), end="", flush=True)
        case _:
            show.console().print(_line(event))


def say_break(error: ClientError) -> None:
    show.note(f"{error.message}; trying again")


def _line(event: Event) -> Text:
    whose = "  ".join(
        show.clean(part) for part in (f"{event.kind}/{event.name}" * bool(event.name), event.host) if part
    )
    state, sentence = (
        show.crossed(event.before, event.after),
        show.clean(event.sentence),
    )
    return Text.assemble(f"{show.moment(event.at)}  ", f"{whose}  " if whose else "", state, f"  {sentence}")
