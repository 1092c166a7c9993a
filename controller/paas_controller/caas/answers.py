"""What goes out for apps and their instances, as the API's document has it."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, RootModel

from paas_controller.caas.reasons import State
from paas_controller.web.schemas import Page, Rehearsed

Phase = Literal["making", "there", "going"]


class ExposedPort(BaseModel):
    """A container's port from outside. `shared_address`: each node of the cluster leads to it."""

    instance: str
    component: str
    container_port: int
    protocol: str
    domain: str
    ip: str
    port: int
    url: str
    shared_address: bool


class KubeAppShown(BaseModel):
    """An app; memory in units of 128 MiB. `why` says on what making or deleting it waits."""

    name: str
    tenant: str
    plan: str
    cluster: str
    namespace: str
    memory_units: int
    max_ports: int
    memory_units_in_use: float
    ports_in_use: int
    instances: int
    phase: Phase
    why: str
    created_at: datetime


class AppList(Page[KubeAppShown]):
    """Apps, by name."""


class AppOrRehearsed(RootModel[KubeAppShown | Rehearsed]):
    """The app; of a dry run, its steps."""


class ShareShown(BaseModel):
    """What one component takes of the pool, and what it waits for."""

    instance: str
    component: str
    memory_units: float
    waiting_units: float


class Usage(BaseModel):
    """The pool of an app, in units; `others` is what those take who are none of the platform's."""

    memory_units: float
    in_use: float
    free: float
    others: float
    sentence: str
    shares: list[ShareShown]
    max_ports: int
    ports: list[ExposedPort]


class ComponentShown(BaseModel):
    """How a component is, and why: `cause` for programs, `reason` for people.

    `replicas` are those it has when it is not stopped, `desired` those of now.
    """

    name: str
    image: str
    state: State
    cause: str
    reason: str
    replicas: int
    desired: int
    ready: int
    memory_units: float
    ports: list[ExposedPort]


class AppInstanceShown(BaseModel):
    """An instance; its state is the worst of its components'."""

    name: str
    id: str
    app: str
    environment: str
    state: State
    phase: Phase
    why: str
    components: list[ComponentShown]
    created_at: datetime


class AppInstanceList(Page[AppInstanceShown]):
    """Instances of an app, by name."""


class AppInstanceOrRehearsed(RootModel[AppInstanceShown | Rehearsed]):
    """The instance; of a dry run, its steps."""


class Going(BaseModel):
    """What became of a deletion: `gone`, or on what it waits."""

    name: str
    msg: str


class GoingOrRehearsed(RootModel[Going | Rehearsed]):
    """What became of a deletion; of a dry run, its steps."""


class PodShown(BaseModel):
    """One pod."""

    name: str
    component: str
    phase: str
    ready: bool
    leaving: bool
    node: str
    address: str
    restarts: int
    why: str
    started_at: datetime | None


class PodList(Page[PodShown]):
    """Pods of an instance, by name."""


class HappeningShown(BaseModel):
    """What the cluster says happened, `count` times, last at this moment."""

    at: datetime | None
    about: str
    reason: str
    message: str
    count: int
    warning: bool


class HappeningList(Page[HappeningShown]):
    """What happened to an instance, the latest last."""
