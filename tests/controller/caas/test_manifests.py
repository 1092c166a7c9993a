from typing import Any

import pytest

from paas_controller.caas import manifests
from paas_controller.caas.cluster import parsing
from paas_controller.caas.cluster.objects import Port
from paas_controller.caas.component import Component, Own
from paas_controller.caas.confine.templates import confined_component
from paas_controller.caas.words import UNIT
from tests.controller.caas.confine import baseline
from tests.controller.caas.confine.fields import planted

WEB = Own("shop-ns", "shop-web", "7d1f", "web", "shop")


def made(component: Component, **options: Any) -> dict[str, Any]:
    return manifests.component(WEB, component, confined_component(component, WEB), **options)


def pod_of(controller: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = controller["spec"]["template"]["spec"]
    return spec


def main_of(controller: dict[str, Any]) -> dict[str, Any]:
    container: dict[str, Any] = pod_of(controller)["containers"][0]
    return container


def test_a_namespace_keeps_out_what_needs_more_than_baseline() -> None:
    assert manifests.namespace("shop-ns", "app.shop", "c-1") == {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": "shop-ns",
            "labels": {
                "idevops/app": "app.shop",
                "idevops/controller": "c-1",
                "pod-security.kubernetes.io/enforce": "baseline",
                "pod-security.kubernetes.io/warn": "baseline",
                "pod-security.kubernetes.io/audit": "baseline",
            },
        },
    }


def test_a_namespace_with_ports_of_hosts_only_warns_because_baseline_knows_none() -> None:
    labels = manifests.namespace("shop-ns", "app.shop", "c-1", host_ports=True)["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "privileged"
    assert labels["pod-security.kubernetes.io/warn"] == "baseline"


def test_the_pool_is_a_quota_of_memory_and_node_ports() -> None:
    quota = manifests.quota("shop-ns", 5, 3)
    assert quota["metadata"] == {"namespace": "shop-ns", "name": "pool"}
    assert quota["spec"]["hard"] == {"limits.memory": "640Mi", "services.nodeports": "3"}
    assert parsing.quota(quota).memory == 5 * UNIT


def test_a_container_without_limits_counts_as_one_unit() -> None:
    [limit] = manifests.limit_range("shop-ns")["spec"]["limits"]
    assert limit == {"type": "Container", "default": {"memory": "128Mi"}, "defaultRequest": {"memory": "128Mi"}}


def test_a_component_is_one_controller_of_its_image() -> None:
    controller = made(Component("web", "nginx:1", 2, 3, {"A": "1"}, (8080,)))
    assert controller["metadata"]["name"] == "shop-web"
    assert controller["spec"]["replicas"] == 2
    assert controller["spec"]["selector"] == WEB.selector
    assert main_of(controller) == {
        "name": "web",
        "image": "nginx:1",
        "env": [{"name": "A", "value": "1"}],
        "ports": [{"containerPort": 8080}],
        "resources": {"limits": {"memory": "384Mi"}, "requests": {"memory": "384Mi"}},
    }
    assert baseline.faults(controller, WEB.selector, "shop-ns") == []


def test_what_is_written_is_read_again_as_it_was_meant() -> None:
    seen = parsing.controller(made(Component("web", "nginx:1", 2, 3), running=False))
    assert (seen.instance, seen.component, seen.instance_name) == ("7d1f", "web", "shop")
    assert (seen.desired, seen.meant, seen.memory, seen.image) == (0, 2, 3 * UNIT, "nginx:1")


def test_a_pod_gets_no_token_no_addresses_of_others_and_the_runtimes_own_seccomp_profile() -> None:
    pod = pod_of(made(Component("web", "nginx")))
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert pod["securityContext"] == {"seccompProfile": {"type": "RuntimeDefault"}}


def test_what_the_component_says_is_laid_over_its_template() -> None:
    given = {
        "name": "web",
        "command": ["run"],
        "env": [{"name": "A", "value": "old"}, {"name": "B", "value": "2"}],
        "ports": [{"containerPort": 8080, "name": "http"}],
        "resources": {"limits": {"memory": "1Gi", "cpu": "1"}},
    }
    template = planted({}, ("spec", "template", "spec", "containers"), [{"name": "helper", "image": "h"}, given])
    controller = made(Component("web", "nginx", 1, 2, {"A": "new"}, (8080, 9090), template))
    helper, main = pod_of(controller)["containers"]
    assert helper["resources"]["limits"] == {"memory": "128Mi"}
    assert (main["image"], main["command"]) == ("nginx", ["run"])
    assert main["env"] == [{"name": "B", "value": "2"}, {"name": "A", "value": "new"}]
    assert main["ports"] == [{"containerPort": 8080, "name": "http"}, {"containerPort": 9090}]
    assert main["resources"]["limits"] == {"memory": "256Mi", "cpu": "1"}


def test_a_template_without_the_components_container_gets_it_first() -> None:
    template = planted({}, ("spec", "template", "spec", "containers"), [{"name": "helper", "image": "h"}])
    controller = made(Component("web", "nginx", rc_template=template))
    assert [one["name"] for one in pod_of(controller)["containers"]] == ["web", "helper"]


def test_a_templates_security_context_keeps_the_seccomp_profile() -> None:
    template = planted({}, ("spec", "template", "spec", "securityContext"), {"fsGroup": 7})
    pod = pod_of(made(Component("web", "nginx", rc_template=template)))
    assert pod["securityContext"] == {"seccompProfile": {"type": "RuntimeDefault"}, "fsGroup": 7}


def test_a_service_leads_to_its_own_pods_by_node_ports() -> None:
    service = manifests.service(WEB, (Port(8080, 80, 30080, "web"), Port(9090, 9090)), {})
    assert service["metadata"]["name"] == "shop-web"
    assert service["spec"] == {
        "type": "NodePort",
        "selector": WEB.selector,
        "ports": [
            {"name": "web", "port": 80, "targetPort": 8080, "protocol": "TCP", "nodePort": 30080},
            {"name": "tcp-9090", "port": 9090, "targetPort": 9090, "protocol": "TCP"},
        ],
    }
    assert parsing.service(service).ports[0] == Port(8080, 80, 30080, "web")


@pytest.mark.parametrize(
    ("template", "kind"),
    [
        ({}, "NodePort"),
        ({"spec": {"type": "ClusterIP"}}, "ClusterIP"),
    ],
)
def test_a_service_takes_no_addresses_from_its_template(template: Any, kind: str) -> None:
    spec = manifests.service(WEB, (Port(80, 80),), template)["spec"]
    assert (spec["type"], "externalIPs" in spec) == (kind, False)


def test_a_service_keeps_what_its_template_may_choose() -> None:
    template = {"metadata": {"labels": {"team": "shop"}}, "spec": {"sessionAffinity": "ClientIP"}}
    service = manifests.service(WEB, (Port(80, 80),), template)
    assert service["spec"]["sessionAffinity"] == "ClientIP"
    assert service["metadata"]["labels"] == {"team": "shop", **WEB.selector}
