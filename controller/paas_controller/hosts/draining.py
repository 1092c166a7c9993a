"""A host under maintenance: who drains it, and since when. What that means is decided in a room above."""

import json
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, update

from paas_controller.hosts.naming import HOST, unknown


@dataclass(frozen=True, slots=True)
class Draining:
    """Nothing is to run on the host, whatever is expected. `since` is UTC seconds."""

    by: str
    since: float


def of_text(text: str) -> Draining | None:
    """As it is kept; empty where nobody drains."""
    return Draining(**json.loads(text)) if text else None


def keep(connection: Connection, identifier: str, draining: Draining | None) -> None:
    """Writes it, in the caller's transaction. NotFound."""
    row = {"draining": json.dumps(asdict(draining)) if draining else ""}
    if connection.execute(update(HOST).where(HOST.c.id == identifier).values(row)).rowcount != 1:
        raise unknown(identifier)
