"""How the ports that were given stand in an instance's objects. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from paas_controller.caas.ports.service import Taken
from paas_controller.caas.words import HOST, HOST_PORTS, TENANT

Manifest = dict[str, Any]


def exposed(controller: Manifest, service: Manifest, given: Sequence[Taken]) -> tuple[Manifest, Manifest]:
    """Both with these ports, which are of one component and on one host; a Service of other ways has no node ports."""
    ports, host = {one.container: one.port for one in given}, given[0].host
    match given[0].way:
        case "node-port":
            return controller, _laid(service, [_numbered(port, ports, "nodePort") for port in _ports(service)])
        case "external-ip":
            listed = [_numbered(port, ports, "port") for port in _ports(service)]
            return controller, _laid(service, listed, type="ClusterIP", externalIPs=[host.address])
        case "host-port":
            noted = {HOST: host.address, HOST_PORTS: ",".join(f"{inside}={at}" for inside, at in ports.items())}
            metadata = service["metadata"] | {"annotations": service["metadata"].get("annotations", {}) | noted}
            inner = _laid(service, _ports(service), type="ClusterIP") | {"metadata": metadata}
            return _on_host(controller, host.node, ports), inner


def _ports(service: Manifest) -> list[Manifest]:
    return [{name: value for name, value in port.items() if name != "nodePort"} for port in service["spec"]["ports"]]


def _numbered(port: Manifest, ports: Mapping[int, int], field: str) -> Manifest:
    return port | {field: ports[port["targetPort"]]} if port["targetPort"] in ports else port


def _laid(service: Manifest, ports: list[Manifest], **more: Any) -> Manifest:
    return service | {"spec": service["spec"] | {"ports": ports} | more}


def _on_host(controller: Manifest, node: str, ports: Mapping[int, int]) -> Manifest:
    """On that node alone, with its ports. A port that no container names is one of the first."""
    template = controller["spec"]["template"]
    containers = [one | {"ports": list(one.get("ports", ()))} for one in template["spec"]["containers"]]
    named = {port["containerPort"] for one in containers for port in one["ports"]}
    containers[0]["ports"] += [{"containerPort": number} for number in ports if number not in named]
    for one in containers:
        one["ports"] = [_with_host_port(port, ports) for port in one["ports"]]
    pod = template["spec"] | {
        "containers": containers,
        "nodeSelector": {"kubernetes.io/hostname": node},
        "tolerations": [{"key": TENANT, "operator": "Exists", "effect": "NoSchedule"}],
    }
    return controller | {"spec": controller["spec"] | {"template": template | {"spec": pod}}}


def _with_host_port(port: Manifest, ports: Mapping[int, int]) -> Manifest:
    number = ports.get(port["containerPort"])
    return port | {"hostPort": number} if number else port
