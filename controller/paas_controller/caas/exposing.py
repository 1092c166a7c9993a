"""How the ports that were given stand in an instance's objects. Pure."""

from collections.abc import Sequence
from typing import Any

from paas_controller.caas.ports.service import Taken
from paas_controller.caas.words import HOST, HOST_PORTS, NODE, TENANT

Manifest = dict[str, Any]
Pairs = Sequence[tuple[Manifest, int]]
"""Each port of a Service, and the one that was given for it."""
OnHost = dict[tuple[int, str], list[int]]
"""The host's ports of each of a container, by its number and protocol."""


def exposed(controller: Manifest, service: Manifest, given: Sequence[Taken]) -> tuple[Manifest, Manifest]:
    """Both with these ports: one for each of the Service's, in its order, all on one host; a Service of other ways has
    no node ports.
    """
    host, ports = given[0].host, [dict(port) for port in service["spec"]["ports"]]
    for port in ports:
        port.pop("nodePort", None)
    pairs = [(port, one.port) for port, one in zip(ports, given, strict=True)]
    match given[0].way:
        case "node-port":
            return controller, _laid(service, [port | {"nodePort": number} for port, number in pairs])
        case "external-ip":
            listed = [port | {"port": number} for port, number in pairs]
            return controller, _laid(service, listed, type="ClusterIP", externalIPs=[host.address])
        case "host-port":
            noted = {HOST: host.address, HOST_PORTS: ",".join(f"{port['name']}={number}" for port, number in pairs)}
            metadata = service["metadata"] | {"annotations": service["metadata"].get("annotations", {}) | noted}
            inner = _laid(service | {"metadata": metadata}, ports, type="ClusterIP")
            return _on_host(controller, host.node, pairs), inner


def _laid(service: Manifest, ports: list[Manifest], **more: Any) -> Manifest:
    return service | {"spec": service["spec"] | {"ports": ports} | more}


def _on_host(controller: Manifest, node: str, pairs: Pairs) -> Manifest:
    """On that node alone, with its ports. A port that no container names is one of the first."""
    template, left = controller["spec"]["template"], OnHost()
    for port, number in pairs:
        left.setdefault((port["targetPort"], port["protocol"]), []).append(number)
    containers = [one | {"ports": _with_host_ports(one, left)} for one in template["spec"]["containers"]]
    containers[0]["ports"] += [
        {"containerPort": inside, "protocol": protocol, "hostPort": number}
        for (inside, protocol), numbers in left.items()
        for number in numbers
    ]
    pod = template["spec"] | {
        "containers": containers,
        "nodeSelector": {NODE: node},
        "tolerations": [{"key": TENANT, "operator": "Exists", "effect": "NoSchedule"}],
    }
    return controller | {"spec": controller["spec"] | {"template": template | {"spec": pod}}}


def _with_host_ports(container: Manifest, left: OnHost) -> list[Manifest]:
    """Takes those of its ports out of what is left. A port of several numbers is there several times, once by name."""
    found = []
    for port in container.get("ports", ()):
        first, *more = left.pop((port["containerPort"], port.get("protocol", "TCP")), None) or [0]
        nameless = {name: value for name, value in port.items() if name != "name"}
        found += [port | {"hostPort": first} if first else port, *(nameless | {"hostPort": each} for each in more)]
    return found
