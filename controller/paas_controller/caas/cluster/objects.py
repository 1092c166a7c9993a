"""What there is in a cluster, in our words. `client` and `watching` make these; nobody else sees Kubernetes' own."""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Waiting:
    """Why a container does not run: Kubernetes' word for it, its message, and how it ended last; which one it is."""

    reason: str
    message: str = ""
    exit_code: int | None = None
    container: str = ""
    image: str = ""


@dataclass(frozen=True, slots=True)
class Pod:
    """`memory` is the sum of its limits in bytes; `unplaced` is what the scheduler said where it found no node.
    `only_on` is the node on which alone it may run, if there is one.
    """

    namespace: str
    name: str
    instance: str
    component: str
    phase: Literal["pending", "running", "succeeded", "failed", "unknow"]
    ready: bool
    leaving: bool
    memory: int
    node: str = ""
    address: str = ""
    started_at: float | None = None
    restarts: int = 0
    unplaced: str = ""
    only_on: str = ""
    waiting: Waiting | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Controller:
    """A replication controller. `memory` is what one of its pods takes; `failure` is why it cannot make another one."""

    namespace: str
    name: str
    instance: str
    component: str
    instance_name: str
    desired: int
    meant: int
    """Replicas when it is not stopped."""
    replicas: int
    ready: int
    memory: int
    image: str
    failure: str = ""
    leaving: bool = False
    observed: bool = True
    """Whether its status is of the present spec."""
    made_at: float | None = None
    """UTC seconds, by the cluster's clock."""
    version: int = field(default=0, compare=False)
    """Of the cluster, when it last changed."""


@dataclass(frozen=True, slots=True)
class Port:
    """A container's port and where it is reached; `node_port` and `host_port` are 0 where it has none."""

    container: int
    service: int
    node_port: int = 0
    name: str = ""
    protocol: str = "TCP"
    host_port: int = 0


@dataclass(frozen=True, slots=True)
class Service:
    """A Service; `instance` is empty where it is none of ours. `host` is the address where its pods have host ports."""

    namespace: str
    name: str
    instance: str
    component: str
    ports: tuple[Port, ...]
    external_ips: tuple[str, ...] = ()
    host: str = ""
    leaving: bool = False


@dataclass(frozen=True, slots=True)
class Quota:
    """The pool of a namespace as the cluster counts it: bytes and node ports, `None` where it has not counted yet."""

    namespace: str
    memory: int
    memory_used: int | None
    ports: int
    ports_used: int | None
    altered: bool = False
    """Whether somebody has added to it."""
    version: int = field(default=0, compare=False)
    """Of the cluster, when it last changed."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a container without limits counts as, in bytes: its limit and its request."""

    namespace: str
    limit: int
    request: int
    altered: bool = False
    """Whether somebody has added to it."""


@dataclass(frozen=True, slots=True)
class Namespace:
    """`app`, `controller` and `levels` (what pods are held to) are labels. `stuck` says on what its deletion hangs."""

    name: str
    app: str
    controller: str = ""
    levels: tuple[tuple[str, str], ...] = ()
    leaving: bool = False
    stuck: str = ""


@dataclass(frozen=True, slots=True)
class Happening:
    """A Kubernetes event: `about` is `kind/name`, `last_at` UTC seconds."""

    namespace: str
    about: str
    reason: str
    message: str
    count: int
    last_at: float | None
    warning: bool = False
