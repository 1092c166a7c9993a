"""Apps on Kubernetes and their instances, as they are answered. Memory is in units of 128 MiB."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from paas_client.models import Answer

AppKind = Literal["apps", "caas_apps"]
"""Those of components, and those of single containers; so they are called in the API."""


class ExposedPort(Answer):
    """A container's port from outside. `shared_address`: each node of the cluster leads to it."""

    instance: str
    component: str
    container_port: int
    protocol: str
    domain: str
    ip: str
    port: int
    url: str
    shared_address: bool = True


class KubeApp(Answer):
    """An app: a namespace with a pool of memory. `why` says on what making or deleting it waits."""

    name: str
    tenant: str = ""
    plan: str
    cluster: str
    namespace: str
    memory_units: int
    max_ports: int
    memory_units_in_use: float
    ports_in_use: int
    instances: int
    phase: str
    why: str = ""
    created_at: datetime


class Share(Answer):
    """What one component takes of the pool, and what it waits for."""

    instance: str
    component: str
    memory_units: float
    waiting_units: float = 0

    @property
    def name(self) -> str:
        return f"{self.instance}/{self.component}"


class Usage(Answer):
    """The pool of an app; `others` is what those take who are none of the platform's."""

    memory_units: float
    in_use: float
    free: float
    others: float = 0
    sentence: str
    shares: list[Share]
    max_ports: int
    ports: list[ExposedPort] = Field(default_factory=list)


class Component(Answer):
    """How a component is, and why: `cause` for programs, `reason` for people.

    `replicas` are those it has when it is not stopped, `desired` those of now.
    """

    name: str
    image: str
    state: str
    cause: str = ""
    reason: str
    replicas: int
    desired: int
    ready: int
    memory_units: float
    ports: list[ExposedPort] = Field(default_factory=list)


class AppInstance(Answer):
    """An instance; its state is the worst of its components'."""

    name: str
    id: str
    app: str
    environment: str = ""
    state: str
    phase: str
    why: str = ""
    components: list[Component]
    created_at: datetime


class Pod(Answer):
    """One pod; `why` says what keeps it."""

    name: str
    component: str
    phase: str
    ready: bool
    leaving: bool = False
    node: str = ""
    address: str = ""
    restarts: int = 0
    why: str = ""
    started_at: datetime | None = None


class Happening(Answer):
    """What the cluster says happened, `count` times, last at this moment."""

    at: datetime | None
    about: str
    reason: str
    message: str
    count: int = 1
    warning: bool = False
