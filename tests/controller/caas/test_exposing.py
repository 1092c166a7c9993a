"""How given ports stand in a component's objects."""

from typing import Any, get_args

import pytest

from paas_controller.caas import manifests
from paas_controller.caas.cluster import parsing
from paas_controller.caas.cluster.objects import Port
from paas_controller.caas.component import Component, Own
from paas_controller.caas.confine.templates import confined_component
from paas_controller.caas.exposing import exposed
from paas_controller.caas.ports.pool import EVERYWHERE, Pool, PortHost, Way, way_of
from paas_controller.caas.ports.service import Taken

WEB = Own("shop-ns", "shop-web", "7d1f", "web", "shop")
ACME = PortHost("203.0.113.5", "node-7", "acme")


def given(way: Way, host: PortHost = EVERYWHERE, *ports: Port) -> tuple[dict[str, Any], dict[str, Any]]:
    """The controller and the Service of a component with two containers, with the ports from 31000 on."""
    ports = ports or (Port(8080, 80), Port(9090, 9090))
    template = {"spec": {"template": {"spec": {"containers": [{"name": "web"}, {"name": "helper", "image": "h"}]}}}}
    component = Component("web", "nginx", ports=(8080, 9090), rc_template=template)
    controller = manifests.component(WEB, component, confined_component(component, WEB))
    service = manifests.service(WEB, ports, {})
    taken = [Taken("7d1f", "web", port.container, 31000 + at, "p", host, way) for at, port in enumerate(ports)]
    return exposed(controller, service, taken)


def test_node_ports_stand_in_the_service() -> None:
    controller, service = given("node-port")
    assert [port["nodePort"] for port in service["spec"]["ports"]] == [31000, 31001]
    assert service["spec"]["type"] == "NodePort"
    assert "nodeSelector" not in controller["spec"]["template"]["spec"]


def test_at_an_external_address_the_given_port_is_the_services() -> None:
    _, service = given("external-ip", PortHost("192.0.2.7"))
    assert (service["spec"]["type"], service["spec"]["externalIPs"]) == ("ClusterIP", ["192.0.2.7"])
    assert [(port["port"], port["targetPort"]) for port in service["spec"]["ports"]] == [(31000, 8080), (31001, 9090)]


def test_on_a_host_of_its_own_a_pod_has_the_hosts_ports_and_the_service_tells_of_them() -> None:
    controller, service = given("host-port", ACME)
    pod = controller["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == {"kubernetes.io/hostname": "node-7"}
    assert pod["tolerations"] == [{"key": "idevops/tenant", "operator": "Exists", "effect": "NoSchedule"}]
    main, helper = pod["containers"]
    assert main["ports"] == [
        {"containerPort": 8080, "hostPort": 31000},
        {"containerPort": 9090, "hostPort": 31001},
    ]
    assert helper["ports"] == []
    assert service["spec"]["type"] == "ClusterIP"
    read = parsing.service(service)
    assert read.host == "203.0.113.5"
    assert [(port.service, port.host_port, port.node_port) for port in read.ports] == [(80, 31000, 0), (9090, 31001, 0)]


def test_a_port_that_no_container_names_is_one_of_the_first() -> None:
    controller, _ = given("host-port", ACME, Port(7070, 80))
    main = controller["spec"]["template"]["spec"]["containers"][0]
    assert {"containerPort": 7070, "protocol": "TCP", "hostPort": 31000} in main["ports"]
    assert {"containerPort": 8080} in main["ports"]


@pytest.mark.parametrize("way", get_args(Way))
def test_what_leads_to_one_port_of_a_container_has_ports_of_its_own(way: Way) -> None:
    ports = (Port(8080, 80), Port(8080, 81), Port(8080, 80, protocol="UDP"))
    controller, service = given(way, ACME, *ports)
    read = parsing.service(service)
    field = {"node-port": "node_port", "external-ip": "service", "host-port": "host_port"}[way]
    assert [getattr(port, field) for port in read.ports] == [31000, 31001, 31002]
    main = controller["spec"]["template"]["spec"]["containers"][0]
    on_host = [(port.get("protocol"), port["hostPort"]) for port in main["ports"] if "hostPort" in port]
    assert on_host == ([(None, 31000), (None, 31001), ("UDP", 31002)] if way == "host-port" else [])


def test_strange_notes_at_a_service_are_no_ports() -> None:
    _, service = given("host-port", ACME)
    service["metadata"]["annotations"]["idevops/hostPorts"] = "8080=,=9,9090=x,8080=123456"
    assert [port.host_port for port in parsing.service(service).ports] == [0, 0]


def test_a_tenant_is_reached_on_its_own_host_then_at_an_address_then_by_node_ports() -> None:
    nodes = Pool("nodes", "here", "node-port", 30000, 30099)
    addresses = Pool("addresses", "here", "external-ip", 80, 90, (PortHost("192.0.2.7"),))
    hosts = Pool("hosts", "here", "host-port", 80, 90, (ACME, PortHost("203.0.113.6", "node-8")))
    assert [way_of([nodes, addresses, hosts], tenant) for tenant in ("acme", "other", "")] == [
        "host-port", "external-ip", "external-ip",
    ]  # fmt: skip
    assert way_of([nodes, hosts], "other") == way_of([nodes, hosts], "") == way_of([], "acme") == "node-port"
