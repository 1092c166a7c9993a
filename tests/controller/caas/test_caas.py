"""The seed's four calls: a single container and its Service, made of templates."""

from typing import Any

import pytest
from kubernetes.client import CoreV1Api

from paas_controller.caas.clusters import Clusters
from tests.controller.caas.conftest import Portal

TEMPLATES: dict[str, Any] = {
    "svc_template": {"spec": {"ports": [{"port": 80, "targetPort": 80}]}},
    "rc_template": {
        "spec": {
            "replicas": 1,
            "template": {
                "spec": {
                    "containers": [{"name": "phpmyadmin", "image": "phpmyadmin:5", "ports": [{"containerPort": 80}]}]
                }
            },
        }
    },
}


def body(name: str = "phpmyadmin-1", **changes: Any) -> dict[str, Any]:
    return {"kind": "CaasInstance", "name": name} | TEMPLATES | changes


async def test_the_seeds_four_calls(caas: Portal) -> None:
    await caas.create()
    made = await caas.call("POST", "/instances", body())
    assert made.status == 201, made.body
    assert made.body["components"][0]["ports"][0]["container_port"] == 80
    await caas.becomes("phpmyadmin-1", "phpmyadmin-1", "running")
    with caas.cluster.client() as client:
        core = CoreV1Api(client)
        namespace, label = f"caas-{caas.app}", f"idevops/instanceId={made.body['id']}"
        for kind in ("replication_controller", "service", "pod"):
            [found] = getattr(core, f"list_namespaced_{kind}")(namespace, label_selector=label).items
            assert found.metadata.name.startswith("phpmyadmin-1")
    assert [one["name"] for one in (await caas.call("GET", "/instances")).body["items"]] == ["phpmyadmin-1"]
    assert (await caas.call("POST", "/instances", body())).status == 409
    assert (await caas.call("DELETE", "/instances/phpmyadmin-1")).status in (200, 202)
    await caas.is_gone("/instances/phpmyadmin-1")


async def test_a_port_that_is_asked_for_is_given_or_refused(caas: Portal) -> None:
    await caas.create()
    last = caas.cluster.node_ports[-1]
    asked = {"spec": {"ports": [{"port": 80, "targetPort": 80, "nodePort": last}]}}
    made = await caas.call("POST", "/instances", body("one", svc_template=asked))
    assert made.body["components"][0]["ports"][0]["port"] == last
    refused = await caas.call("POST", "/instances", body("two", svc_template=asked))
    assert (refused.status, str(last) in refused.message) == (409, True)
    outside = {"spec": {"ports": [{"port": 80, "targetPort": 80, "nodePort": 31999}]}}
    assert (await caas.call("POST", "/instances", body("two", svc_template=outside))).status == 422


async def test_whoever_asks_for_a_port_is_not_told_who_has_it_in_the_cluster(
    caas: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    await caas.create()
    port = caas.cluster.node_ports[-2]
    asked = {"spec": {"type": "NodePort", "ports": [{"port": 80, "nodePort": port}]}}
    monkeypatch.setattr(Clusters, "node_ports", lambda *_: {})  # it was made a moment ago
    with caas.cluster.client() as client:
        core = CoreV1Api(client)
        core.create_namespaced_service("default", {"metadata": {"name": f"theirs-{port}"}} | asked)
        try:
            refused = await caas.call("POST", "/instances", body(svc_template=asked))
        finally:
            core.delete_namespaced_service(f"theirs-{port}", "default", _preload_content=False)
    told = f"svc_template.spec.ports.0.nodePort: port {port} is taken by somebody else; take another one, or name none"
    assert (refused.status, refused.message) == (409, told)


async def test_each_port_of_a_service_has_one_of_its_own_also_where_several_lead_to_one_container_port(
    caas: Portal,
) -> None:
    await caas.create()
    ports = [{"port": 80}, {"port": 8080, "targetPort": 80}, {"port": 80, "protocol": "UDP"}]
    made = await caas.call("POST", "/instances", body(svc_template={"spec": {"ports": ports}}))
    assert made.status == 201, made.body
    with caas.cluster.client() as client:
        [service] = CoreV1Api(client).list_namespaced_service(f"caas-{caas.app}").items
    given = [port.node_port for port in service.spec.ports]
    assert given == [port["port"] for port in made.body["components"][0]["ports"]]
    assert len(set(given)) == 3
    taken = (await caas.shell.call("GET", "//api/v1/port_pools/main")).body["ports"]
    assert {port["port"] for port in taken if port["instance"] == made.body["name"]} == set(given)


async def test_logs_and_what_happened_are_to_be_had(caas: Portal) -> None:
    await caas.create()
    await caas.call("POST", "/instances", body("phpmyadmin-1-x"))
    await caas.call("POST", "/instances", body())
    await caas.becomes("phpmyadmin-1-x", "phpmyadmin-1-x", "running")
    await caas.becomes("phpmyadmin-1", "phpmyadmin-1", "running")
    log = await caas.call("GET", "/instances/phpmyadmin-1/logs?tail=5")
    assert (log.status, log.headers["Content-Type"], bool(log.body)) == (200, "text/plain; charset=utf-8", True)
    happened = (await caas.call("GET", "/instances/phpmyadmin-1/events")).body["items"]
    assert {"SuccessfulCreate", "Scheduled"} <= {each["reason"] for each in happened}
    [pod] = (await caas.call("GET", "/instances/phpmyadmin-1/pods")).body["items"]
    about = {each["about"] for each in happened if each["about"].startswith("Pod/")}
    assert about == {f"Pod/{pod['name']}"}, "not those of an instance whose name begins alike"
