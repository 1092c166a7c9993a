"""An app, and an instance of it."""

import secrets
from dataclasses import dataclass, field
from typing import Literal

from paas_controller.base.errors import Conflict
from paas_controller.caas.ports.pool import Way

AppKind = Literal["app", "caas"]
Phase = Literal["making", "there", "going"]


@dataclass(frozen=True, slots=True)
class AppInstance:
    """`id` is what its objects in the cluster are labelled with, `components` are the names of what it is made of."""

    id: str
    app: int
    name: str
    environment: str
    components: tuple[str, ...]
    phase: Phase
    created_at: float
    exports: tuple[tuple[str, Way], ...] = field(default=(), compare=False)
    """For each port that it was given the component, and by which way it is reached; the ports' rows say so."""


@dataclass(frozen=True, slots=True)
class App:
    """A namespace and its pool: memory in units, ports in number."""

    id: int
    kind: AppKind
    name: str
    tenant: str
    cluster: str
    namespace: str
    plan: str
    memory_units: int
    max_ports: int
    phase: Phase
    created_at: float
    instances: dict[str, AppInstance] = field(default_factory=dict, compare=False)

    @property
    def label(self) -> str:
        """What its namespace is labelled with."""
        return f"{self.kind}.{self.name}"

    @property
    def on_hosts(self) -> bool:
        """Whether some of its pods have ports of their hosts."""
        return any(way == "host-port" for instance in self.instances.values() for _, way in instance.exports)

    @property
    def port_count(self) -> int:
        """How many ports its instances were given."""
        return sum(len(instance.exports) for instance in self.instances.values())


def require_made(phase: Phase, name: str) -> None:
    """Conflict as long as it is being made."""
    if phase == "making":
        raise Conflict(f"{name} is being made; wait until that is done")


def require_there(phase: Phase, name: str) -> None:
    """Conflict unless it is whole."""
    if phase != "there":
        raise Conflict(f"{name} is being {'deleted' if phase == 'going' else 'made'}; wait until that is done")


def new_id() -> str:
    """Of an instance: a label's value that nothing else has."""
    return f"i-{secrets.token_hex(6)}"


def called(kind: str) -> str:
    """What people call an app of this kind."""
    return "CaaS app" if kind == "caas" else "app"
