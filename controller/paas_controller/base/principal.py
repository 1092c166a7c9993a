"""Who asks: the word that identity and every other room share."""

from dataclasses import dataclass
from typing import Literal

Role = Literal["administrator", "operator", "viewer", "agent"]

READERS: frozenset[Role] = frozenset({"administrator", "operator", "viewer"})
WRITERS: frozenset[Role] = frozenset({"administrator", "operator"})
ADMINISTRATORS: frozenset[Role] = frozenset({"administrator"})
AGENTS: frozenset[Role] = frozenset({"agent"})
ANYBODY: frozenset[Role] = READERS | AGENTS


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who showed a valid token. `host` is set for an agent: the one host it may speak for.

    `tenant` is set for those who may see and touch what is this tenant's, and nothing else.
    """

    name: str
    role: Role
    host: str = ""
    tenant: str = ""
