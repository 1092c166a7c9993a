"""Where an exported port is reached. Pure."""

from dataclasses import dataclass
from ipaddress import IPv6Address

from paas_controller.caas.cluster.objects import Port, Service

_SECURE = (443, 8443)


@dataclass(frozen=True, slots=True)
class Exposure:
    """A container's port, from outside. `shared_address`: each node of the cluster leads to it, by any name."""

    component: str
    container_port: int
    protocol: str
    domain: str
    ip: str
    port: int
    url: str
    shared_address: bool


def exposure(
    service: Service, port: Port, given: int, *, address: str, domain: str = "", shared: bool = True
) -> Exposure:
    """`given` is the port by which it is reached, `domain` the cluster's, empty where it has none; `address` is where
    its ports are reached.
    """
    host = f"{service.name}.{domain}" if domain else address
    url = _url(host, port, given)
    return Exposure(service.component, port.container, port.protocol, host, address, given, url, shared)


def _url(host: str, port: Port, given: int) -> str:
    """What is spoken over TCP nobody says: a browser would try the Web's."""
    shown = f"[{host}]" if _is_v6(host) else host
    if port.protocol != "TCP":
        return f"{port.protocol.lower()}://{shown}:{given}"
    secure = given == 443 or port.container in _SECURE
    usual = 443 if secure else 80
    return f"http{'s' if secure else ''}://{shown}{'' if given == usual else f':{given}'}"


def _is_v6(host: str) -> bool:
    try:
        IPv6Address(host)
    except ValueError:
        return False
    return True
