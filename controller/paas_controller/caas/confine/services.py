"""The Service of a template: which ports it has. Where they are reached is the platform's to say."""

from paas_controller.caas.confine import names
from paas_controller.caas.confine.shapes import flag, listing, one_of, record, refused, whole

_BALANCER = refused("there are no load balancers: ports are given by the platform")
_ADDRESS = refused("addresses are given by the cluster: leave it out")
_EXTERNAL = refused("addresses of hosts are given by the platform, out of its port pools: leave it out")

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
    "externalIPs": _EXTERNAL,
}

service = record(_FIELDS)
"""The spec of a Service, without its selector."""
