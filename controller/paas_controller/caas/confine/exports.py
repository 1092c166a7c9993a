"""Which ports of its containers a Service leads to."""

from typing import Any

from paas_controller.caas.cluster.objects import Port
from paas_controller.caas.confine.shapes import At


def ports_of(service: dict[str, Any], pod: dict[str, Any], at: At) -> tuple[Port, ...]:
    """The ports of a confined Service; where it names none, all those of the containers. Says what cannot be."""
    given = [port for container in pod["containers"] for port in container.get("ports", ())]
    if service.get("ports"):
        ports = [_port(one, given, at / "ports" / place) for place, one in enumerate(service["ports"])]
    else:
        ports = [_own(port) for port in given]
    if not ports:
        (at / "ports").says("is missing: name the ports that are to be reached")
    if len({(port.service, port.protocol) for port in ports}) < len(ports):
        (at / "ports").says("two have the same port")
    if len({port.name for port in ports}) < len(ports):
        (at / "ports").says("two have the same name")
    if service.get("type") == "ClusterIP" and any(port.node_port for port in ports):
        (at / "type").says("with ClusterIP there is no nodePort: leave one of them out")
    return tuple(ports)


def _own(port: dict[str, Any]) -> Port:
    number, protocol = port["containerPort"], port.get("protocol", "TCP")
    return Port(number, number, name=port.get("name") or _named(number, protocol), protocol=protocol)


def _port(one: dict[str, Any], given: list[dict[str, Any]], at: At) -> Port:
    target, number, protocol = one.get("targetPort", one["port"]), one["port"], one.get("protocol", "TCP")
    if isinstance(target, str):
        found = next((port["containerPort"] for port in given if port.get("name") == target), 0)
        if not found:
            (at / "targetPort").says(f"no container has a port called {target}")
        target = found
    return Port(target, number, one.get("nodePort", 0), one.get("name") or _named(number, protocol), protocol)


def _named(number: int, protocol: str) -> str:
    return f"{protocol.lower()}-{number}"
