"""The credentials of a host: masked when they are shown, and filled in again when they are written back. Pure."""

import json
from collections.abc import Sequence

from paas_controller.base.errors import Invalid
from paas_controller.base.masking import MASK
from paas_controller.hosts.schemas import Auth


def as_text(entries: Sequence[Auth]) -> str:
    """The entries as they are sealed and compared; empty where there are none."""
    return "[" + ",".join(entry.model_dump_json() for entry in entries) + "]" if entries else ""


def of_text(text: str) -> list[Auth]:
    return [Auth(**entry) for entry in json.loads(text)] if text else []


def unmasked(path: str, fresh: Sequence[Auth], known: Sequence[Auth]) -> list[Auth]:
    """The entries with every masked value as it was: the same user's, of the same place before any other.

    Invalid where there was none.
    """
    return [
        entry.model_copy(update=_filled(f"{path}.{index}", entry, [*known[index : index + 1], *known]))
        for index, entry in enumerate(fresh)
    ]


def _filled(path: str, fresh: Auth, known: Sequence[Auth]) -> dict[str, str]:
    masked = [field for field in ("password", "private_key") if getattr(fresh, field) == MASK]
    former = [auth for auth in known if auth.username == fresh.username]
    return {
        field: kept(f"{path}.{field}", MASK, next(filter(None, (getattr(auth, field) for auth in former)), None))
        for field in masked
    }


def kept(path: str, value: str, known: str | None) -> str:
    """The value, or the known one where it is masked; Invalid where there is none."""
    if value != MASK:
        return value
    if not known:
        raise Invalid(f"{path} is masked, and there is no former value to keep; write the value")
    return known
