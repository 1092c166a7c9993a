"""What is written into a cluster. Pure: our words and what is left of users' templates become Kubernetes' objects."""

from typing import Any

from paas_controller.caas.cluster.objects import Port
from paas_controller.caas.component import Component, Own
from paas_controller.caas.memory import quantity
from paas_controller.caas.words import APP, CONTROLLER, LEVEL, LIMITS, NAMES, POOL, REPLICAS, UNIT

Manifest = dict[str, Any]


def namespace(name: str, app: str, controller: str, *, host_ports: bool = False) -> Manifest:
    """The namespace of an app; `app` is `kind.name`, `controller` the one whose it is. Pods that need more than
    `baseline` are kept out.

    `baseline` knows no ports of hosts. With `host_ports` it only warns, and our own confining holds alone.
    """
    labels = {APP: app, CONTROLLER: controller, **levels(host_ports)}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def levels(host_ports: bool) -> dict[str, str]:
    """The labels that say what the cluster holds pods of such a namespace to."""
    enforced = "privileged" if host_ports else "baseline"
    return {f"{LEVEL}/audit": "baseline", f"{LEVEL}/enforce": enforced, f"{LEVEL}/warn": "baseline"}


def quota(namespace: str, memory_units: int, max_ports: int) -> Manifest:
    """The pool of an app."""
    hard = {"limits.memory": quantity(memory_units * UNIT), "services.nodeports": str(max_ports)}
    return _object("ResourceQuota", namespace, POOL, {"hard": hard})


def limit_range(namespace: str) -> Manifest:
    """What a container without limits counts as: one unit."""
    unit = {"memory": quantity(UNIT)}
    return _object(
        "LimitRange", namespace, LIMITS, {"limits": [{"type": "Container", "default": unit, "defaultRequest": unit}]}
    )


def controller(own: Own, template: Manifest, *, running: bool = True) -> Manifest:
    """The RC of a confined template. One that is not to run has no replicas, and remembers how many it had."""
    spec = template.get("spec", {})
    replicas = spec.get("replicas", 1)
    inner = spec.get("template", {})
    pod = {**_DEFAULTS, **inner.get("spec", {})}
    pod["securityContext"] = {**_DEFAULTS["securityContext"], **pod["securityContext"]}
    made = _ours(own, "ReplicationController", template)
    made["metadata"]["annotations"][REPLICAS] = str(replicas)
    made["spec"] = {
        **{key: spec[key] for key in ("minReadySeconds",) if key in spec},
        "replicas": replicas if running else 0,
        "selector": own.selector,
        "template": {"metadata": _labelled(own, inner), "spec": pod},
    }
    return made


def component(own: Own, asked: Component, template: Manifest, *, running: bool = True) -> Manifest:
    """The RC of an app's component. What the component says is laid over its confined template."""
    spec = template.get("spec", {})
    inner = spec.get("template", {})
    pod = inner.get("spec", {})
    containers = list(pod.get("containers", ()))
    place = next((at for at, one in enumerate(containers) if one["name"] == asked.name), None)
    if place is None:
        containers.insert(0, _container({}, asked))
    else:
        containers[place] = _container(containers[place], asked)
    merged = {**spec, "replicas": asked.replicas, "template": {**inner, "spec": {**pod, "containers": containers}}}
    return controller(own, {**template, "spec": merged}, running=running)


def service(own: Own, ports: tuple[Port, ...], template: Manifest) -> Manifest:
    """The Service of the same name. A node port stands in it where `ports` have one."""
    spec = template.get("spec", {})
    made = _ours(own, "Service", template)
    made["spec"] = {
        **{key: spec[key] for key in _OF_SERVICES if key in spec},
        "type": spec.get("type", "NodePort"),
        "selector": own.selector,
        "ports": [_port(port) for port in ports],
    }
    return made


_DEFAULTS: Manifest = {
    "automountServiceAccountToken": False,
    "enableServiceLinks": False,
    "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
}
_OF_SERVICES = ("sessionAffinity", "sessionAffinityConfig", "publishNotReadyAddresses")


def _object(kind: str, namespace: str, name: str, spec: Manifest) -> Manifest:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"namespace": namespace, "name": name}, "spec": spec}


def _ours(own: Own, kind: str, template: Manifest) -> Manifest:
    made = _object(kind, own.namespace, own.name, {})
    made["metadata"] |= _labelled(own, template)
    return made


def _labelled(own: Own, template: Manifest) -> Manifest:
    metadata = template.get("metadata", {})
    return {
        "labels": {**metadata.get("labels", {}), **own.selector},
        "annotations": {**metadata.get("annotations", {}), NAMES: own.instance_name},
    }


def _container(given: Manifest, asked: Component) -> Manifest:
    memory = quantity(asked.memory_units * UNIT)
    resources = given.get("resources", {})
    kept = [one for one in given.get("env", ()) if one["name"] not in asked.env]
    known = {port["containerPort"] for port in given.get("ports", ())}
    return {
        **given,
        "name": asked.name,
        "image": asked.image,
        "env": [*kept, *({"name": name, "value": value} for name, value in asked.env.items())],
        "ports": [*given.get("ports", ()), *({"containerPort": port} for port in asked.ports if port not in known)],
        "resources": {
            "limits": {**resources.get("limits", {}), "memory": memory},
            "requests": {**resources.get("requests", {}), "memory": memory},
        },
    }


def _port(port: Port) -> Manifest:
    made = {"name": port.name or f"{port.protocol.lower()}-{port.service}", "port": port.service}
    made |= {"targetPort": port.container, "protocol": port.protocol}
    return {**made, "nodePort": port.node_port} if port.node_port else made
