"""Objects as an API server writes them."""

from typing import Any

from paas_controller.caas.words import COMPONENT, INSTANCE, NAMES, REPLICAS

Raw = dict[str, Any]


def of(name: str, version: int = 1, namespace: str = "shop", instance: str = "", **more: Any) -> Raw:
    """The metadata of an object; `instance` is that of its label."""
    labels = {INSTANCE: instance, COMPONENT: "web"} if instance else {}
    return {"name": name, "namespace": namespace, "resourceVersion": str(version), "labels": labels} | more


def pod(name: str = "web-1", version: int = 1, instance: str = "i1", *, phase: str = "Running", **status: Any) -> Raw:
    """One container of 64 MiB."""
    return {
        "kind": "Pod",
        "metadata": of(name, version, instance=instance),
        "spec": {"nodeName": "node1", "containers": [container("64Mi")]},
        "status": {"phase": phase, "startTime": "2026-01-02T03:04:05Z"} | status,
    }


def container(memory: str, image: str = "web:1") -> Raw:
    return {"name": "web", "image": image, "resources": {"limits": {"memory": memory}}}


def controller(name: str = "web", version: int = 1, replicas: int = 2, **status: Any) -> Raw:
    about = of(name, version, instance="i1", generation=3, annotations={REPLICAS: "2", NAMES: "blue"})
    spec = {"replicas": replicas, "template": {"spec": {"containers": [container("64Mi")]}}}
    return {"kind": "ReplicationController", "metadata": about, "spec": spec, "status": status}


def service(name: str = "web", version: int = 1, node_port: int = 30001, *, namespace: str = "shop") -> Raw:
    ports = [{"port": 80, "targetPort": 8080, "nodePort": node_port, "protocol": "TCP"}]
    return {"kind": "Service", "metadata": of(name, version, namespace), "spec": {"ports": ports}}


def warning(about: str, version: int = 1, **more: Any) -> Raw:
    involved = {"kind": "ReplicationController", "name": about, "namespace": "shop"}
    told = {"type": "Warning", "reason": "FailedCreate", "message": "exceeded quota"}
    return {"kind": "Event", "metadata": of(f"{about}.17", version), "involvedObject": involved} | told | more
