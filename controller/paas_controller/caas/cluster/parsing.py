"""Kubernetes' objects in our words. Pure: JSON of an API server in, one of `objects` out."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal

from paas_controller.caas.cluster.objects import (
    Controller,
    Happening,
    Limits,
    Namespace,
    Pod,
    Port,
    Quota,
    Service,
    Waiting,
)
from paas_controller.caas.memory import bytes_of, of_pod
from paas_controller.caas.words import (
    APP,
    COMPONENT,
    CONTROLLER,
    HOST,
    HOST_PORTS,
    INSTANCE,
    LEVEL,
    NAMES,
    NODE,
    REPLICAS,
)

Raw = Mapping[str, Any]
Phase = Literal["pending", "running", "succeeded", "failed", "unknow"]
_PHASES: dict[str, Phase] = {
    "Pending": "pending", "Running": "running", "Succeeded": "succeeded", "Failed": "failed",
}  # fmt: skip
_PAIR = re.compile(r"\b([a-z0-9-]+)=([0-9]{1,5})\b")
_BEGINS = ("ContainerCreating", "PodInitializing")
"""A container waits for these when all is well."""
_STUCK = (
    "NamespaceDeletionDiscoveryFailure", "NamespaceDeletionGroupVersionParsingFailure",
    "NamespaceDeletionContentFailure", "NamespaceContentRemaining", "NamespaceFinalizersRemaining",
)  # fmt: skip


def version(raw: Raw) -> int:
    """The resource version of an object or a list. Within a kind they grow with time."""
    return int(raw["metadata"].get("resourceVersion") or 0)


def pod(raw: Raw) -> Pod:
    about, labels = _about(raw)
    status = raw.get("status") or {}
    containers = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    conditions = _conditions(status)
    placed = conditions.get("PodScheduled", {})
    return Pod(
        namespace=about["namespace"],
        name=about["name"],
        instance=labels.get(INSTANCE, ""),
        component=labels.get(COMPONENT, ""),
        phase=_PHASES.get(status.get("phase", "Pending"), "unknow"),
        ready=_holds(conditions.get("Ready")),
        leaving="deletionTimestamp" in about,
        memory=_memory(raw["spec"]),
        node=raw["spec"].get("nodeName", ""),
        address=status.get("podIP", ""),
        started_at=_moment(status.get("startTime")),
        restarts=sum(each.get("restartCount", 0) for each in containers),
        unplaced=placed.get("message", "") if placed.get("status") == "False" else "",
        only_on=(raw["spec"].get("nodeSelector") or {}).get(NODE, ""),
        waiting=_waiting(containers),
        message=status.get("message", ""),
    )


def controller(raw: Raw) -> Controller:
    """`meant` is what its annotation says, where there is one that can be read."""
    about, labels = _about(raw)
    spec, status, notes = raw["spec"], raw.get("status") or {}, about.get("annotations") or {}
    desired, meant = spec.get("replicas", 1), str(notes.get(REPLICAS, ""))
    inside = (spec.get("template") or {}).get("spec") or {}
    failure = _conditions(status).get("ReplicaFailure")
    return Controller(
        namespace=about["namespace"],
        name=about["name"],
        instance=labels.get(INSTANCE, ""),
        component=labels.get(COMPONENT, ""),
        instance_name=notes.get(NAMES, ""),
        desired=desired,
        meant=int(meant) if meant.isascii() and meant.isdecimal() else desired,
        replicas=status.get("replicas", 0),
        ready=status.get("readyReplicas", 0),
        memory=_memory(inside),
        image=next((each.get("image", "") for each in inside.get("containers") or ()), ""),
        failure=failure.get("message", "") if failure and _holds(failure) else "",
        leaving="deletionTimestamp" in about,
        observed=status.get("observedGeneration", 0) >= about.get("generation", 0),
        made_at=_moment(about.get("creationTimestamp")),
        version=version(raw),
    )


def service(raw: Raw) -> Service:
    """A port whose target has a name is container port 0. A load balancer's health check takes a node port as well."""
    about, labels = _about(raw)
    spec, notes = raw["spec"], about.get("annotations") or {}
    on_host = {name: int(at) for name, at in _PAIR.findall(str(notes.get(HOST_PORTS, "")))}
    ports = [_port(each, on_host) for each in spec.get("ports") or ()]
    if health := spec.get("healthCheckNodePort"):
        ports.append(Port(container=0, service=0, node_port=health, name="health"))
    return Service(
        namespace=about["namespace"],
        name=about["name"],
        instance=labels.get(INSTANCE, ""),
        component=labels.get(COMPONENT, ""),
        ports=tuple(ports),
        external_ips=tuple(spec.get("externalIPs") or ()),
        host=str(notes.get(HOST, "")),
        leaving="deletionTimestamp" in about,
    )


def quota(raw: Raw) -> Quota:
    hard, used = raw["spec"].get("hard") or {}, (raw.get("status") or {}).get("used") or {}
    memory, ports = used.get("limits.memory"), used.get("services.nodeports")
    return Quota(
        namespace=raw["metadata"]["namespace"],
        memory=bytes_of(hard.get("limits.memory", 0)),
        memory_used=None if memory is None else bytes_of(memory),
        ports=bytes_of(hard.get("services.nodeports", 0)),
        ports_used=None if ports is None else bytes_of(ports),
        altered=set(hard) != {"limits.memory", "services.nodeports"} or set(raw["spec"]) != {"hard"},
        version=version(raw),
    )


def limits(raw: Raw) -> Limits:
    found: Iterable[Raw] = raw["spec"].get("limits") or ()
    of = next((each for each in found if each.get("type") == "Container"), {})
    default, request = of.get("default") or {}, of.get("defaultRequest") or {}
    altered = [set(each) for each in found] != [{"type", "default", "defaultRequest"}]
    altered = altered or [set(default), set(request)] != [{"memory"}, {"memory"}]
    memory = bytes_of(default.get("memory", 0)), bytes_of(request.get("memory", 0))
    return Limits(raw["metadata"]["namespace"], *memory, altered)


def namespace(raw: Raw) -> Namespace:
    about, labels = _about(raw)
    leaving = "deletionTimestamp" in about
    conditions = _conditions(raw.get("status") or {})
    on = [conditions[kind].get("message", "") for kind in _STUCK if _holds(conditions.get(kind))]
    return Namespace(
        name=about["name"],
        app=labels.get(APP, ""),
        controller=labels.get(CONTROLLER, ""),
        levels=tuple(sorted((name, value) for name, value in labels.items() if name.startswith(f"{LEVEL}/"))),
        leaving=leaving,
        stuck="; ".join(filter(None, on)) if leaving else "",
    )


def happening(raw: Raw) -> Happening:
    """The last moment is in another place for each generation of those who write events."""
    about, series = raw["involvedObject"], raw.get("series") or {}
    at = raw.get("lastTimestamp") or series.get("lastObservedTime") or raw.get("eventTime")
    return Happening(
        namespace=about.get("namespace") or raw["metadata"]["namespace"],
        about=f"{about.get('kind', '')}/{about.get('name', '')}",
        reason=raw.get("reason") or "",
        message=raw.get("message") or "",
        count=raw.get("count") or series.get("count") or 1,
        last_at=_moment(at or raw.get("firstTimestamp") or raw["metadata"].get("creationTimestamp")),
        warning=raw.get("type") == "Warning",
    )


def _about(raw: Raw) -> tuple[dict[str, Any], dict[str, str]]:
    about: dict[str, Any] = raw["metadata"]
    return about, about.get("labels") or {}


def _conditions(status: Raw) -> dict[str, dict[str, Any]]:
    return {each["type"]: each for each in status.get("conditions") or ()}


def _holds(condition: Raw | None) -> bool:
    return condition is not None and condition.get("status") == "True"


def _memory(spec: Raw) -> int:
    try:
        return of_pod(dict(spec))
    except ValueError:
        return 0  # more digits than any amount that fits on a machine


def _port(raw: Raw, on_host: Mapping[str, int]) -> Port:
    target = raw.get("targetPort", raw["port"])
    return Port(
        container=target if isinstance(target, int) else 0,
        service=raw["port"],
        node_port=raw.get("nodePort", 0),
        name=raw.get("name", ""),
        protocol=raw.get("protocol", "TCP"),
        host_port=on_host.get(raw.get("name", ""), 0),
    )


def _waiting(containers: Iterable[Raw]) -> Waiting | None:
    """The first container that does not run although it should; one that ended well does not count."""
    for each in containers:
        state, before = each.get("state") or {}, (each.get("lastState") or {}).get("terminated") or {}
        if (waits := state.get("waiting")) and waits.get("reason") not in _BEGINS:
            return _why(each, waits, before.get("exitCode"))
        if (ended := state.get("terminated")) and ended.get("exitCode"):
            return _why(each, ended, ended["exitCode"])
    return None


def _why(container: Raw, state: Raw, code: int | None) -> Waiting:
    name, image = container.get("name", ""), container.get("image", "")
    return Waiting(state.get("reason", ""), state.get("message", ""), code, name, image)


def _moment(text: str | None) -> float | None:
    return datetime.fromisoformat(text).timestamp() if text else None
