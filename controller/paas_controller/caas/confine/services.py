"""The Service of a template: which ports it has. Where they are reached is the platform's to say."""

from ipaddress import IPv4Address
from typing import Any

from paas_controller.caas.confine import names
from paas_controller.caas.confine.shapes import At, Shape, flag, listing, one_of, record, refused, whole

_BALANCER = refused("there are no load balancers: ports are given by the platform")
_ADDRESS = refused("addresses are given by the cluster: leave it out")
_EXTERNAL = "addresses of hosts are given only where an administrator has enabled it: leave it out"

_port = record(
    {
        "name": names.label,
        "port": names.port,
        "targetPort": names.port_or_name,
        "nodePort": whole(0, 65535),
        "protocol": one_of("TCP", "UDP", "SCTP"),
    },
    required=("port",),
)
_FIELDS = {
    "ports": listing(_port, 100),
    "type": one_of("NodePort", "ClusterIP", why="ports are given by the platform"),
    "sessionAffinity": one_of("None", "ClientIP"),
    "sessionAffinityConfig": record({"clientIP": record({"timeoutSeconds": whole(1, 86400)})}),
    "publishNotReadyAddresses": flag,
    "externalTrafficPolicy": one_of("Cluster", why="each node has to lead to it"),
    "externalName": refused("a Service of an app leads to its own pods only"),
    "healthCheckNodePort": _BALANCER,
    "allocateLoadBalancerNodePorts": _BALANCER,
    "loadBalancerIP": _BALANCER,
    "loadBalancerClass": _BALANCER,
    "loadBalancerSourceRanges": _BALANCER,
    "clusterIP": _ADDRESS,
    "clusterIPs": _ADDRESS,
}


def service(*, external_ips: bool) -> Shape:
    """The spec of a Service, without its selector."""
    allowed = listing(_address, 20) if external_ips else refused(_EXTERNAL)
    return record({**_FIELDS, "externalIPs": allowed})


def _address(value: object, at: At) -> Any:
    """An address that can be a host's."""
    try:
        address = IPv4Address(value) if isinstance(value, str) else None
    except ValueError:
        address = None
    if not address or address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified:
        return at.says("has to be the address of a host, as in 192.0.2.7")
    return str(address)
