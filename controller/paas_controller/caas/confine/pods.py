"""The pod of a template: its containers and volumes, never where it runs nor as whom."""

from collections.abc import Iterable
from typing import Any

from paas_controller.caas.confine import names, security
from paas_controller.caas.confine.containers import Main, containers, initial
from paas_controller.caas.confine.shapes import At, Shape, flag, listing, one_of, record, refused, whole
from paas_controller.caas.confine.volumes import volume

_HOST = "a pod may not share its host's {}"
_PLACE = refused("where a pod runs is the platform's to say: leave it out")
_WHO = refused("a pod runs as nobody in the cluster: leave it out")
_RANK = refused("all pods rank alike: leave it out")
_FIELDS = {
    "volumes": listing(volume, 100),
    "restartPolicy": one_of("Always", why="a replication controller knows no other"),
    "terminationGracePeriodSeconds": whole(0, 600),
    "dnsPolicy": one_of("ClusterFirst", "Default"),
    "hostname": names.label,
    "subdomain": names.label,
    "imagePullSecrets": listing(record({"name": names.secret}, required=("name",)), 20),
    "securityContext": security.of_pod,
    "shareProcessNamespace": flag,
    "enableServiceLinks": flag,
    "automountServiceAccountToken": refused("a pod gets no token for the cluster's API"),
    "schedulerName": one_of("default-scheduler", why="there is no other for an app"),
    "hostNetwork": refused(_HOST.format("network")),
    "hostPID": refused(_HOST.format("processes")),
    "hostIPC": refused(_HOST.format("memory between processes")),
    "ephemeralContainers": refused("they are for a pod that runs, not for a template"),
    "resources": refused("memory is counted by container: name it there"),
    "runtimeClassName": refused("how containers are run is the cluster's to say: leave it out"),
    **dict.fromkeys(("nodeName", "nodeSelector", "affinity", "tolerations", "topologySpreadConstraints"), _PLACE),
    **dict.fromkeys(("serviceAccount", "serviceAccountName"), _WHO),
    **dict.fromkeys(("priorityClassName", "priority", "preemptionPolicy"), _RANK),
}


def pod(main: Main) -> Shape:
    """The spec of a pod whose main container is this one. What it says hangs together, and it gets no token."""
    fields = {**_FIELDS, "containers": containers(main), "initContainers": initial}
    plain = record(fields)

    def shape(value: object, at: At) -> Any:
        kept = plain(value, at)
        if kept is not None and not at.faults:
            _hangs_together(kept, at)
        return kept

    return shape


def _hangs_together(spec: dict[str, Any], at: At) -> None:
    """Each name once, and no mount of a volume that is not there."""
    everyone = [(kind, place, one) for kind in ("containers", "initContainers") for place, one in _of(spec, kind)]
    _each_once((at / kind / place / "name", one["name"]) for kind, place, one in everyone)
    _each_once((at / "volumes" / place / "name", one.get("name", "")) for place, one in _of(spec, "volumes"))
    there = {one.get("name") for _, one in _of(spec, "volumes")}
    for kind, place, one in everyone:
        ports = [(at / kind / place / "ports" / number / "name", port) for number, port in _of(one, "ports")]
        _each_once((where, port["name"]) for where, port in ports if "name" in port)
        for number, mount in _of(one, "volumeMounts"):
            if mount["name"] not in there:
                (at / kind / place / "volumeMounts" / number / "name").says(f"there is no volume {mount['name']}")


def _of(one: dict[str, Any], key: str) -> Iterable[tuple[int, dict[str, Any]]]:
    return enumerate(one.get(key, ()))


def _each_once(named: Iterable[tuple[At, str]]) -> None:
    seen: set[str] = set()
    for at, name in named:
        if not name:
            at.says("is missing")
        elif name in seen:
            at.says(f"there is another one called {name}")
        seen.add(name)
