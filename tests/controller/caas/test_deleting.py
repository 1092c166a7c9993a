"""What goes, and what somebody has deleted or changed in the cluster behind the platform's back."""

from typing import Any

import pytest
from kubernetes.client import CoreV1Api

from paas_controller.caas import settling
from tests.controller.caas.conftest import Portal, component
from tests.controller.caas.test_caas import body
from tests.testbeds.stack import until

HELD = "example.org/held"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for the end of a deletion."""
    monkeypatch.setattr(settling, "_PATIENCE", 0.2)


async def test_a_namespace_that_hangs_says_on_what(portal: Portal, impatient: None) -> None:
    namespace = (await portal.create()).body["namespace"]
    await portal.put_in("web", component())
    with portal.cluster.client() as client:
        core = CoreV1Api(client)
        core.create_namespaced_config_map(namespace, {"metadata": {"name": "held", "finalizers": [HELD]}})
        assert (await portal.call("DELETE")).status == 202

        async def said() -> bool:
            return HELD in (await portal.call("GET")).body["why"]

        await until(said, "why the namespace hangs")
        again = await portal.call("DELETE")
        assert (again.status, HELD in again.body["msg"], (await portal.call("GET")).body["phase"]) == (
            202,
            True,
            "going",
        )
        shown = (await portal.call("GET", "/instances/web")).body
        assert (shown["phase"], shown["state"], shown["components"]) == ("going", "stopping", [])
        assert shown["why"].startswith(f"{portal.app} is being deleted: ")
        told = f"{portal.app} is being deleted; wait until that is done"
        for refused in (await portal.put_in("web", component()), await portal.call("PUT", "/instances/web/stopped")):
            assert (refused.status, refused.message) == (409, told)
        refused = await portal.create()
        assert (refused.status, refused.message) == (409, f"app {told}")
        core.patch_namespaced_config_map("held", namespace, {"metadata": {"finalizers": None}})
        core.patch_namespace(namespace, {"metadata": {"labels": {"looked": "at"}}})  # else Kubernetes waits with that
    await portal.is_gone("")


async def test_an_instance_is_gone_when_nothing_with_its_label_is_left(portal: Portal, impatient: None) -> None:
    namespace = (await portal.create()).body["namespace"]
    await portal.put_in("web", component(image="never-ends:1", ports=[80]))
    await portal.becomes("web", "web", "running")
    [pod] = (await portal.call("GET", "/instances/web/pods")).body["items"]

    async def waits() -> bool:
        going = await portal.call("DELETE", "/instances/web")
        return going.status == 202 and going.body["msg"] == f"waits until pods/{pod['name']} is gone"

    await until(waits, "the pod to be all that is left")
    shown = (await portal.call("GET", "/instances/web")).body
    assert (shown["phase"], shown["state"], pod["name"] in shown["why"]) == ("going", "stopping", True)
    refused = await portal.put_in("web", component())
    assert (refused.status, refused.message) == (503, "the instance web is being deleted; wait")
    with portal.cluster.client() as client:
        CoreV1Api(client).delete_namespaced_pod(pod["name"], namespace, grace_period_seconds=0)
    await portal.is_gone("/instances/web")
    assert (await portal.put_in("web", component())).status == 201


async def test_whatever_bears_its_label_goes_with_it(portal: Portal) -> None:
    namespace = (await portal.create()).body["namespace"]
    made = (await portal.put_in("web", component(ports=[80]), component("db"))).body
    labels, chosen = {"idevops/instanceId": made["id"]}, f"idevops/instanceId={made['id']}"
    stray: Any = {
        "metadata": {"name": "stray", "labels": labels},
        "spec": {"containers": [{"name": "c", "image": "x"}]},
    }
    await portal.becomes("web", "db", "running")  # from now on the cluster has the account of its pods
    with portal.cluster.client() as client:
        core = CoreV1Api(client)
        core.create_namespaced_pod(namespace, stray)
        found = [
            each.metadata.name
            for kind in ("replication_controller", "service")
            for each in getattr(core, f"list_{kind}_for_all_namespaces")(label_selector=chosen).items
        ]
        assert sorted(found) == ["web-db", "web-web", "web-web"]
        await portal.call("DELETE", "/instances/web")
        await portal.is_gone("/instances/web")
        assert core.list_pod_for_all_namespaces(label_selector=chosen).items == []
        assert core.list_service_for_all_namespaces(label_selector=chosen).items == []


async def test_a_component_whose_controller_was_deleted_is_still_known_to_be_missing(portal: Portal) -> None:
    namespace = (await portal.create()).body["namespace"]
    await portal.put_in("web", component(ports=[80]), component("db"))
    await portal.becomes("web", "web", "running")
    with portal.cluster.client() as client:
        CoreV1Api(client).delete_namespaced_replication_controller("web-web", namespace)
    gone = await portal.becomes("web", "web", "unknow")
    assert (gone["cause"], gone["reason"]) == ("gone", "the cluster has no controller for it")
    assert [port["container_port"] for port in gone["ports"]] == [80]
    await portal.becomes("web", "db", "running")
    refused = await portal.call("PUT", "/instances/web/components/web/stopped")
    assert (refused.status, "delete the instance and make it again" in refused.message) == (409, True)
    assert (await portal.call("PUT", "/instances/web/components/nothing/stopped")).status == 404
    assert (await portal.call("PUT", "/instances/web/stopped")).status == 202
    await portal.becomes("web", "db", "stopped")
    await portal.call("DELETE", "/instances/web")
    await portal.is_gone("/instances/web")
    assert (await portal.put_in("web", component(ports=[80]))).status == 201


async def test_a_component_whose_service_was_deleted_says_so_and_keeps_its_port(caas: Portal) -> None:
    namespace = (await caas.create(ports=2)).body["namespace"]
    await caas.call("POST", "/instances", body("one"))
    await caas.becomes("one", "one", "running")
    with caas.cluster.client() as client:
        CoreV1Api(client).delete_namespaced_service("one", namespace, _preload_content=False)
    unserved = await caas.becomes("one", "one", "failing")
    told = "runs, but the cluster has no Service for it: nothing leads to its ports"
    assert (unserved["cause"], unserved["reason"], unserved["ports"]) == ("unserved", told, [])
    await caas.shell.restart()
    assert (await caas.becomes("one", "one", "failing"))["cause"] == "unserved"
    assert (await caas.call("GET")).body["ports_in_use"] == 1
    refused = await caas.call("PATCH", "", {"max_ports": 0})
    assert (refused.status, "has 1 ports, and 0 would be fewer" in refused.message) == (409, True)
    await caas.call("PUT", "/instances/one/stopped")
    await caas.becomes("one", "one", "stopped")
    await caas.call("DELETE", "/instances/one")
    await caas.is_gone("/instances/one")
    assert (await caas.call("GET")).body["ports_in_use"] == 0


async def test_a_pool_that_was_changed_behind_our_back_is_put_right(portal: Portal) -> None:
    namespace = (await portal.create(units=5)).body["namespace"]
    with portal.cluster.client() as client:
        core = CoreV1Api(client)
        core.patch_namespaced_resource_quota("pool", namespace, {"spec": {"hard": {"limits.memory": "64Gi"}}})

        async def right() -> bool:
            quotas = core.list_namespaced_resource_quota(namespace).items
            return [quota.spec.hard.get("limits.memory") for quota in quotas] == ["640Mi"]

        await until(right, "the former size")
        core.delete_namespaced_resource_quota("pool", namespace)
        await until(right, "the pool to be there again")


async def test_what_somebody_adds_to_a_pool_or_its_namespace_is_taken_away(portal: Portal) -> None:
    namespace = (await portal.create(units=5)).body["namespace"]
    warn, version = "pod-security.kubernetes.io/warn", "pod-security.kubernetes.io/enforce-version"
    with portal.cluster.client() as client:
        core = CoreV1Api(client)
        core.patch_namespaced_resource_quota("pool", namespace, {"spec": {"hard": {"pods": "0"}}})
        tight = {"type": "Pod", "max": {"memory": "64Mi"}}
        core.patch_namespaced_limit_range("unit", namespace, {"spec": {"limits": [tight]}})
        core.patch_namespace(namespace, {"metadata": {"labels": {warn: "privileged", version: "v1.0", "own": "stays"}}})

        async def right() -> bool:
            hard = core.read_namespaced_resource_quota("pool", namespace).spec.hard
            limits = [each.type for each in core.read_namespaced_limit_range("unit", namespace).spec.limits]
            labels = core.read_namespace(namespace).metadata.labels
            seen = (set(hard), limits, labels.get(warn), labels.get(version), labels.get("own"))
            return seen == ({"limits.memory", "services.nodeports"}, ["Container"], "baseline", None, "stays")

        await until(right, "what was made")


async def test_a_namespace_that_hangs_although_nobody_asked_the_platform_says_on_what(portal: Portal) -> None:
    namespace = (await portal.create()).body["namespace"]
    with portal.cluster.client() as client:
        core = CoreV1Api(client)
        core.create_namespaced_config_map(namespace, {"metadata": {"name": "held", "finalizers": [HELD]}})
        core.delete_namespace(namespace)

        async def said() -> bool:
            refused, why = await portal.put_in("web", component()), (await portal.call("GET")).body["why"]
            return (refused.status, HELD in refused.message, HELD in why) == (409, True, True)

        await until(said, "why the namespace hangs")
        core.patch_namespaced_config_map("held", namespace, {"metadata": {"finalizers": None}})
        core.patch_namespace(namespace, {"metadata": {"labels": {"looked": "at"}}})


async def test_a_dry_run_sees_that_the_namespace_is_somebody_elses(portal: Portal) -> None:
    with portal.cluster.client() as client:
        CoreV1Api(client).create_namespace({"metadata": {"name": f"app-{portal.app}"}})
        for query in ("?dry_run=true", ""):
            body = {"name": portal.app, "memory_units": 1}
            refused = await portal.shell.call("POST", f"//api/v1/{portal.kind}{query}", body)
            assert (refused.status, "none of ours" in refused.message) == (409, True), query
        CoreV1Api(client).delete_namespace(f"app-{portal.app}")


async def test_a_namespace_that_was_deleted_behind_our_back_is_made_anew(portal: Portal) -> None:
    namespace = (await portal.create(units=5)).body["namespace"]
    await portal.put_in("web", component(ports=[80]))
    with portal.cluster.client() as client:
        core = CoreV1Api(client)
        former = core.read_namespace(namespace).metadata.uid
        core.delete_namespace(namespace)

        async def is_there() -> bool:
            found = core.list_namespace(field_selector=f"metadata.name={namespace}").items
            quotas = core.list_namespaced_resource_quota(namespace).items
            return bool(found and quotas) and found[0].metadata.uid != former

        await until(is_there, "another namespace with its pool")
    assert (await portal.becomes("web", "web", "unknow"))["cause"] == "gone"
    await portal.call("DELETE", "/instances/web")
    await portal.is_gone("/instances/web")
    assert (await portal.put_in("web", component(ports=[80]))).status == 201


async def test_a_namespace_that_is_none_of_ours_is_left_alone(portal: Portal) -> None:
    namespace = (await portal.create()).body["namespace"]
    with portal.cluster.client() as client:
        core = CoreV1Api(client)
        core.patch_namespace(namespace, {"metadata": {"labels": {"idevops/controller": None}}})

        async def said() -> bool:
            return "that is none of ours" in (await portal.call("GET")).body["why"]

        await until(said, "that it is none of ours")
        await portal.call("DELETE")
        await portal.is_gone("")
        assert core.read_namespace(namespace).status.phase == "Active"
        core.delete_namespace(namespace)
