"""Where an exported port is reached. Pure."""

from dataclasses import dataclass
from ipaddress import IPv6Address

_SECURE = (443, 8443)


@dataclass(frozen=True, slots=True)
class Exposure:
    """A container's port, from outside. `shared_address`: each node of the cluster leads to it, by any name."""

    component: str
    container_port: int
    domain: str
    ip: str
    port: int
    url: str
    shared_address: bool


def exposure(
    name: str, component: str, ports: tuple[int, int], *, address: str, domain: str = "", shared: bool = True
) -> Exposure:
    """`name` is that of the Service, `ports` are the container's and the one that was given.

    `domain` is the cluster's, empty where it has none; `address` is where its ports are reached.
    """
    container_port, port = ports
    host = f"{name}.{domain}" if domain else address
    return Exposure(component, container_port, host, address, port, _url(host, container_port, port), shared)


def _url(host: str, container_port: int, port: int) -> str:
    secure = port == 443 or container_port in _SECURE
    shown = f"[{host}]" if _is_v6(host) else host
    usual = 443 if secure else 80
    return f"http{'s' if secure else ''}://{shown}{'' if port == usual else f':{port}'}"


def _is_v6(host: str) -> bool:
    try:
        IPv6Address(host)
    except ValueError:
        return False
    return True
