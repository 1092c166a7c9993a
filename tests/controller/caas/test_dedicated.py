"""A tenant with a host of its own: its ports are there, and nobody else's."""

import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest
from kubernetes.client import CoreV1Api

from tests.controller.caas.conftest import Portal, component
from tests.controller.caas.test_caas import body
from tests.controller.shell import Shell
from tests.testbeds.kubernetes.cluster import Cluster
from tests.testbeds.stack import until

ADDRESS = "203.0.113.5"
_numbers = itertools.count()


@pytest.fixture
async def node(platform: Shell, kubernetes: Cluster) -> AsyncIterator[str]:
    """A node whose ports 8000 to 8002 are the tenant acme's."""
    name = f"own-{next(_numbers)}"
    kubernetes.add_node(name, "4Gi")
    assert (await platform.call("POST", "//api/v1/tenants", {"name": "acme"})).status == 201
    hosts = [{"address": ADDRESS, "node": name, "tenant": "acme"}]
    pool = {"name": "own", "cluster": "main", "way": "host-port", "first": 8000, "last": 8002, "hosts": hosts}
    assert (await platform.call("POST", "//api/v1/port_pools", pool)).status == 201
    yield name
    with kubernetes.client() as client:
        CoreV1Api(client).delete_node(name)


def ports_of(made: dict[str, Any]) -> list[tuple[str, str, int, bool]]:
    return [
        (port["ip"], port["url"], port["container_port"], port["shared_address"])
        for port in made["components"][0]["ports"]
    ]


async def test_what_a_tenant_with_a_host_exports_is_reached_there(portal: Portal, node: str) -> None:
    await portal.create(tenant="acme")
    made = await portal.put_in("web", component(ports=[80, 443]))
    assert made.status == 201, made.body
    assert ports_of(made.body) == [
        (ADDRESS, f"http://{ADDRESS}:8000", 80, False),
        (ADDRESS, f"https://{ADDRESS}:8001", 443, False),
    ]
    await portal.becomes("web", "web", "running")
    with portal.cluster.client() as client:
        core, namespace = CoreV1Api(client), f"app-{portal.app}"
        [pod] = core.list_namespaced_pod(namespace).items
        [service] = core.list_namespaced_service(namespace).items
        labels = core.read_namespace(namespace).metadata.labels
        assert pod.spec.node_name == node
        assert [port.host_port for port in pod.spec.containers[0].ports] == [8000, 8001]
        assert service.spec.type == "ClusterIP"
        assert labels["pod-security.kubernetes.io/enforce"] == "privileged"
        usage = (await portal.call("GET", "/usage")).body
        assert [port["port"] for port in usage["ports"]] == [8000, 8001]
        await portal.call("DELETE", "/instances/web")

        async def baseline() -> bool:
            return core.read_namespace(namespace).metadata.labels["pod-security.kubernetes.io/enforce"] == "baseline"

        await until(baseline, "nothing more than baseline to be allowed")


async def test_other_tenants_get_node_ports_and_may_not_name_its_ports(portal: Portal, caas: Portal, node: str) -> None:
    await portal.create()
    made = await portal.put_in("web", component(ports=[80]))
    [(address, _, _, shared)] = ports_of(made.body)
    assert (address, shared) == ("192.0.2.9", True)
    with portal.cluster.client() as client:
        labels = CoreV1Api(client).read_namespace(f"app-{portal.app}").metadata.labels
    assert labels["pod-security.kubernetes.io/enforce"] == "baseline"
    await caas.create()
    asked = {"spec": {"ports": [{"port": 80, "nodePort": 8000}]}}
    refused = await caas.call("POST", "/instances", body("theirs", svc_template=asked))
    assert (refused.status, "port 8000 is in no port pool" in refused.message) == (422, True)


async def test_a_container_of_that_tenant_may_ask_for_one_of_its_ports(caas: Portal, node: str) -> None:
    await caas.create(tenant="acme")
    asked = {"spec": {"ports": [{"port": 80, "nodePort": 8002}]}}
    made = await caas.call("POST", "/instances", body("one", svc_template=asked))
    assert ports_of(made.body) == [(ADDRESS, f"http://{ADDRESS}:8002", 80, False)]
    refused = await caas.call("POST", "/instances", body("two", svc_template=asked))
    told = "svc_template.spec.ports.0.nodePort: port 8002 is taken; take another one, or name none"
    assert (refused.status, refused.message) == (409, told)
    would = await caas.call("POST", "/instances?dry_run=true", body("two"))
    assert would.body["steps"][0]["why"] == f"port 8000 of {ADDRESS} for two:80"
    await caas.call("DELETE", "/instances/one")
    await caas.is_gone("/instances/one")
    assert (await caas.call("POST", "/instances", body("two", svc_template=asked))).status == 201


async def test_several_ports_that_lead_to_one_container_port_are_several_of_its_host(caas: Portal, node: str) -> None:
    await caas.create(tenant="acme")
    ports = [{"port": 53}, {"port": 5353, "targetPort": 53}, {"port": 53, "protocol": "UDP"}]
    made = await caas.call("POST", "/instances", body("dns", svc_template={"spec": {"ports": ports}}))
    assert [port["port"] for port in made.body["components"][0]["ports"]] == [8000, 8001, 8002]
    await caas.becomes("dns", "dns", "running")
    with caas.cluster.client() as client:
        [pod] = CoreV1Api(client).list_namespaced_pod(f"caas-{caas.app}").items
    found = {(port.container_port, port.protocol, port.host_port) for port in pod.spec.containers[0].ports}
    assert found == {(80, "TCP", None), (53, "TCP", 8000), (53, "TCP", 8001), (53, "UDP", 8002)}


async def test_a_second_pod_finds_no_room_beside_the_first_and_says_so(portal: Portal, node: str) -> None:
    await portal.create(tenant="acme")
    await portal.put_in("web", component(ports=[80], replicas=2))
    unplaced = await portal.becomes("web", "web", "unplaced")
    assert f"it may run on {node} alone: " in unplaced["reason"]
    assert "free ports" in unplaced["reason"]
