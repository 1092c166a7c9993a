"""A cluster in memory: what the watches tell and what writes were answered, by namespace and instance."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from paas_controller.base.clock import Clock
from paas_controller.base.errors import Retryable
from paas_controller.caas.cluster import parsing
from paas_controller.caas.cluster.objects import Controller, Happening, Limits, Namespace, Pod, Quota, Service
from paas_controller.caas.cluster.parsing import Raw
from paas_controller.caas.cluster.shelf import Change, Shelf

POOL = "pool"
"""The quota of that name is the one that counts."""
Changed = Callable[[str, str, str], None]
"""Kind, namespace and instance (empty where it is of none). Kinds are those of `_KINDS`."""
_KINDS = {
    "Pod": "pod", "ReplicationController": "controller", "Service": "service", "ResourceQuota": "quota",
    "LimitRange": "limits", "Namespace": "namespace", "Event": "happening",
}  # fmt: skip


class Mirror:
    """What is known of a cluster. `changed` is called in the loop, after the change, and has to be quick."""

    def __init__(self, name: str, clock: Clock, changed: Changed) -> None:
        self._name, self._clock, self._changed = name, clock, changed
        self._pods = Shelf(parsing.pod, lambda pod: pod.instance)
        self._controllers = Shelf(parsing.controller, lambda controller: controller.instance)
        self._services = Shelf(parsing.service, lambda service: service.instance)
        self._quotas, self._limits = Shelf(parsing.quota), Shelf(parsing.limits)
        self._namespaces = Shelf(parsing.namespace)
        self._happenings = Shelf(parsing.happening, lambda happening: happening.about)
        self._shelves: dict[str, Shelf[Any]] = {
            "pod": self._pods, "controller": self._controllers, "service": self._services, "quota": self._quotas,
            "limits": self._limits, "namespace": self._namespaces, "happening": self._happenings,
        }  # fmt: skip
        self._broken: dict[str, tuple[float, str]] = {}
        self._whole = asyncio.Event()
        self._node_ports: tuple[int, dict[int, str]] = (-1, {})

    def pods(self, namespace: str, instance: str = "") -> list[Pod]:
        return self._pods.of(namespace, instance)

    def controllers(self, namespace: str, instance: str = "") -> list[Controller]:
        return self._controllers.of(namespace, instance)

    def services(self, namespace: str, instance: str = "") -> list[Service]:
        return self._services.of(namespace, instance)

    def happenings(self, namespace: str, controller: str) -> list[Happening]:
        """Warnings about a replication controller, by its name."""
        return self._happenings.of(namespace, f"ReplicationController/{controller}")

    def quota(self, namespace: str) -> Quota | None:
        return next(iter(self._quotas.of(namespace)), None)

    def limits(self, namespace: str) -> Limits | None:
        return next(iter(self._limits.of(namespace)), None)

    def namespace(self, name: str) -> Namespace | None:
        return next(iter(self._namespaces.of(name)), None)

    def namespaces(self) -> Iterable[Namespace]:
        """Those of apps."""
        return self._namespaces.all()

    def node_ports(self) -> dict[int, str]:
        """Every node port of the cluster that a Service has, ours or not, with `namespace/name` of that Service."""
        turn, ports = self._node_ports
        if turn != self._services.turns:
            each = ((port.node_port, one) for one in self._services.all() for port in one.ports if port.node_port)
            ports = {port: f"{one.namespace}/{one.name}" for port, one in each}
            self._node_ports = self._services.turns, ports
        return ports

    @property
    def fresh(self) -> bool:
        """Whether every kind has been read, so that what is not here is not there."""
        return self._whole.is_set()

    @property
    def stale_since(self) -> float | None:
        """Since when (UTC seconds) the cluster tells nothing any more of some kind; None while all is well."""
        return min((since for since, _ in self._broken.values()), default=None)

    @property
    def trouble(self) -> str:
        """Why, in a sentence."""
        return next((why for _, why in self._broken.values()), "")

    @property
    def unread(self) -> str:
        """What is said as long as it is not fresh."""
        return f"the cluster {self._name} has not been read yet: {self.trouble or 'it takes longer than usual'}"

    async def ready(self, within: float = 5.0) -> None:
        """Waits until it is fresh, for so many seconds; Retryable with what is in the way."""
        try:
            async with asyncio.timeout(within):
                await self._whole.wait()
        except TimeoutError:
            raise Retryable(self.unread) from None

    def require(self) -> None:
        """For whoever tells what is here: Retryable as long as it is not fresh."""
        if not self.fresh:
            raise Retryable(self.unread)

    def put(self, raw: Raw) -> None:
        """What a write was answered, so that it is here before a watch tells of it; other kinds are passed over."""
        if kind := _KINDS.get(raw.get("kind", "")):
            self._tell(kind, self._shelves[kind].put(raw))

    def hear(self, kind: str, raw: Raw, *, gone: bool = False) -> None:
        """What the watch of this kind tells next."""
        self._tell(kind, self._shelves[kind].hear(raw, gone=gone))

    def pass_by(self, kind: str, at: int) -> None:
        """The watch of this kind has come to this version without news."""
        self._shelves[kind].pass_by(at)

    def replace(self, kind: str, found: Iterable[Raw], at: int) -> None:
        """All objects of a kind as they were at this version. What was told before all kinds were is told again."""
        changes = self._shelves[kind].replace(found, at)
        if not self.fresh and all(shelf.listed for shelf in self._shelves.values()):
            self._whole.set()
            for namespace in self.namespaces():
                self._changed("namespace", namespace.name, "")
        self._tell(kind, changes)

    def broken(self, kind: str, why: str) -> None:
        """The cluster tells nothing of this kind for now."""
        since, _ = self._broken.get(kind, (self._clock.time(), ""))
        self._broken[kind] = since, why

    def mended(self, kind: str) -> bool:
        """It tells of this kind; whether it did not before."""
        return self._broken.pop(kind, None) is not None

    def _tell(self, kind: str, changes: Iterable[Change]) -> None:
        for change in dict.fromkeys(changes):
            instance = self._about(change) if kind == "happening" else change.group
            self._changed(kind, change.namespace, instance)

    def _about(self, change: Change) -> str:
        """The instance whose controller an event is about."""
        name = change.group.partition("/")[2]
        return next((one.instance for one in self._controllers.of(change.namespace) if one.name == name), "")
