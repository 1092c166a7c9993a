"""The door for templates: a user's rc_template and svc_template go in, what is allowed of them comes out.

What comes out has the structure of Kubernetes' objects, without kind, names, namespace and selectors: `manifests` adds
those.
"""

from dataclasses import dataclass
from typing import Any

from paas_controller.caas.cluster.objects import Port
from paas_controller.caas.component import Component, Own
from paas_controller.caas.confine import names
from paas_controller.caas.confine.containers import Main
from paas_controller.caas.confine.exports import ports_of
from paas_controller.caas.confine.pods import pod
from paas_controller.caas.confine.services import service
from paas_controller.caas.confine.shapes import At, Shape, mapping, one_of, record, refused, text, whole

_CLUSTERS = refused("it is the cluster's to say: leave it out")
_selector = mapping(text(), text(), 50)


@dataclass(frozen=True, slots=True)
class Confined:
    """What is left of the two templates of a CaaS instance. `node_port` of a port is what was asked for, else 0."""

    controller: dict[str, Any]
    service: dict[str, Any]
    ports: tuple[Port, ...]

    @property
    def exported(self) -> bool:
        """Whether its ports are to be reached from outside of the cluster."""
        return bool(self.service.get("spec", {}).get("type") != "ClusterIP")


def confined(rc_template: object, svc_template: object, own: Own) -> Confined:
    """The templates of a CaaS instance; Refused with the path of everything that may not be in them."""
    at = At("rc_template")
    there = At("svc_template", at.faults)
    controller = _controller(rc_template, at, own, Main(own.component)) or {}
    if not at.faults and not _pod(controller).get("containers"):
        (at / "spec" / "template" / "spec" / "containers").says("is missing")
    kept = _service({} if svc_template is None else svc_template, there, own) or {}
    if not at.faults:
        _selects(kept, there, own, controller)
    ports = () if at.faults else ports_of(kept.get("spec", {}), _pod(controller), there / "spec")
    at.refuse_faults()
    return Confined(controller, kept, ports)


def confined_component(component: Component, own: Own, where: str = "rc_template") -> dict[str, Any]:
    """The template of an app's component, which may say what the component leaves open, and nothing against it.

    Refused with the path, below `where`, of everything that may not be in it.
    """
    at = At(where)
    main = Main(component.name, has_image=True)
    kept: dict[str, Any] = _controller(component.rc_template or {}, at, own, main) or {}
    if not at.faults:
        _contradicts(kept, component, at)
    at.refuse_faults()
    return kept


def _controller(value: object, at: At, own: Own, main: Main) -> Any:
    template = record({"metadata": _metadata(own, named=False), "spec": pod(main)})
    spec = record(
        {
            "replicas": whole(1, 100),
            "minReadySeconds": whole(0, 600),
            "selector": _selector,
            "template": template,
        }
    )
    kept = _object("ReplicationController", spec, own)(value, at)
    if not at.faults:
        _selects(kept, at, own, kept)
    return kept


def _service(value: object, at: At, own: Own) -> Any:
    def with_selector(value: object, at: At) -> Any:
        if not isinstance(value, dict) or value.get("selector") is None:
            return service(value, at)
        rest = {key: child for key, child in value.items() if key != "selector"}
        return (service(rest, at) or {}) | {"selector": _selector(value["selector"], at / "selector") or {}}

    return _object("Service", with_selector, own)(value, at)


def _object(kind: str, spec: Shape, own: Own) -> Shape:
    return record(
        {
            "kind": one_of(kind, why="nothing else is made of this template"),
            "apiVersion": one_of("v1"),
            "metadata": _metadata(own),
            "spec": spec,
            "status": _CLUSTERS,
        }
    )


def _metadata(own: Own, *, named: bool = True) -> Shape:
    name = one_of(own.name, why="this is what the platform calls it; leave it out")
    return record(
        {
            "name": name if named else refused("pods are named by the cluster: leave it out"),
            "namespace": one_of(own.namespace, why="nothing is made in another one; leave it out"),
            "labels": names.labels,
            "annotations": names.annotations,
            **dict.fromkeys(
                ("creationTimestamp", "finalizers", "generateName", "managedFields", "ownerReferences",
                 "resourceVersion", "uid"), _CLUSTERS,
            ),
        }
    )  # fmt: skip


def _pod(controller: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = controller.get("spec", {}).get("template", {}).get("spec", {})
    return spec


def _selects(kept: dict[str, Any], at: At, own: Own, controller: dict[str, Any]) -> None:
    """A selector may only say what is true of these pods anyway; ours takes its place."""
    template = controller.get("spec", {}).get("template", {})
    labels = template.get("metadata", {}).get("labels", {}) | own.selector
    for key, value in kept.get("spec", {}).pop("selector", {}).items():
        if labels.get(key) != value:
            (at / "spec" / "selector" / key).says("would select pods of others: leave the selector out")


def _contradicts(kept: dict[str, Any], component: Component, at: At) -> None:
    spec = at / "spec"
    if kept.get("spec", {}).get("replicas", component.replicas) != component.replicas:
        (spec / "replicas").says(f"the component says {component.replicas}: leave it out")
    for place, container in enumerate(_pod(kept).get("containers", ())):
        if container["name"] == component.name and container.get("image", component.image) != component.image:
            where = spec / "template" / "spec" / "containers" / place / "image"
            where.says("the component says another one: leave it out")
