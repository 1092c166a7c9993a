"""What a cluster might say, in our words."""

from typing import Any

from paas_controller.caas.cluster.objects import Controller, Happening, Pod, Quota
from paas_controller.caas.words import UNIT

EXCEEDED = (
    'pods "web-x" is forbidden: exceeded quota: pool, requested: limits.memory=128Mi, used: limits.memory=640Mi, '
    "limited: limits.memory=640Mi"
)


def controller(component: str = "web", desired: int = 1, **fields: Any) -> Controller:
    known: dict[str, Any] = {"instance": "id1", "instance_name": "shop", "meant": desired, "replicas": 0, "ready": 0}
    known |= {"memory": UNIT, "image": "nginx:1", "namespace": "ns", "name": f"shop-{component}"}
    return Controller(**known | {"component": component, "desired": desired} | fields)


def pod(component: str = "web", **fields: Any) -> Pod:
    known: dict[str, Any] = {"instance": "id1", "phase": "running", "ready": True, "leaving": False, "memory": UNIT}
    known |= {"namespace": "ns", "name": f"shop-{component}-x", "node": "node-1"}
    return Pod(**known | {"component": component} | fields)


def pending(component: str = "web", **fields: Any) -> Pod:
    return pod(component, **{"phase": "pending", "ready": False} | fields)


def quota(units: int = 5, used: int | None = None) -> Quota:
    return Quota("ns", units * UNIT, None if used is None else used * UNIT, 3, 0)


def happening(about: str, reason: str, message: str, at: float = 1.0) -> Happening:
    return Happening("ns", about, reason, message, 1, at, warning=True)
