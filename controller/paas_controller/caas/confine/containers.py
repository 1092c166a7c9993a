"""Containers of a template, initial ones alike."""

from dataclasses import dataclass
from typing import Any

from paas_controller.caas.confine import names, security, volumes
from paas_controller.caas.confine.amounts import resources
from paas_controller.caas.confine.probes import lifecycle, probe
from paas_controller.caas.confine.shapes import At, Shape, choice, flag, listing, one_of, record, refused, text

_config_key = record({"name": names.subdomain, "key": names.key, "optional": flag}, required=("name", "key"))
_secret_key = record({"name": names.secret, "key": names.key, "optional": flag}, required=("name", "key"))
_source = choice(
    {
        "secretKeyRef": _secret_key,
        "configMapKeyRef": _config_key,
        "fieldRef": volumes.field_ref,
        "resourceFieldRef": volumes.resource_ref,
    },
    {},
    "secretKeyRef, configMapKeyRef, fieldRef and resourceFieldRef",
)
_variable = record({"name": names.env_name, "value": text(32768), "valueFrom": _source}, required=("name",))
_variables_from = choice(
    {
        "secretRef": record({"name": names.secret, "optional": flag}, required=("name",)),
        "configMapRef": record({"name": names.subdomain, "optional": flag}, required=("name",)),
    },
    {"prefix": names.env_name},
    "secretRef and configMapRef",
)
_port = record(
    {
        "containerPort": names.port,
        "name": names.port_name,
        "protocol": one_of("TCP", "UDP", "SCTP"),
        "hostPort": refused("a port of the host is the platform's to give: leave it out"),
        "hostIP": refused("an address of the host is the platform's to give: leave it out"),
    },
    required=("containerPort",),
)
_PLAIN = {
    "name": names.label,
    "image": names.image,
    "imagePullPolicy": one_of("Always", "IfNotPresent", "Never"),
    "command": listing(text(32768), 1000),
    "args": listing(text(32768), 1000),
    "workingDir": names.path,
    "env": listing(_variable, 1000),
    "envFrom": listing(_variables_from, 100),
    "ports": listing(_port, 100),
    "resources": resources,
    "securityContext": security.of_container,
    "volumeMounts": listing(volumes.mount, 100),
    "volumeDevices": refused("a raw device may not be given to a container"),
    "terminationMessagePath": names.path,
    "terminationMessagePolicy": one_of("File", "FallbackToLogsOnError"),
    "stdin": flag,
    "stdinOnce": flag,
    "tty": flag,
}
_container = record(
    {**_PLAIN, "livenessProbe": probe, "readinessProbe": probe, "startupProbe": probe, "lifecycle": lifecycle}
)
_initial = record(_PLAIN, required=("name", "image"))


@dataclass(frozen=True, slots=True)
class Main:
    """The container that a template is about. A nameless one is this one; with `has_image` it needs none of its own."""

    name: str
    has_image: bool = False


def containers(main: Main) -> Shape:
    """The containers that run together."""

    def shape(value: object, at: At) -> Any:
        kept = _container(value, at)
        if kept is None or not isinstance(value, dict):
            return None
        name = kept.setdefault("name", main.name)
        if value.get("image") is None and not (main.has_image and name == main.name):
            (at / "image").says("is missing")
        return _limited(kept, at)

    return listing(shape, 20)


def _initial_one(value: object, at: At) -> Any:
    kept = _initial(value, at)
    return None if kept is None else _limited(kept, at)


def _limited(container: dict[str, Any], at: At) -> dict[str, Any]:
    """With a limit of memory, whether the template names one or not."""
    return {**container, "resources": container.get("resources") or resources({}, at)}


initial = listing(_initial_one, 20)
