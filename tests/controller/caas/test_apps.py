"""Apps on a real API server: a pool that is filled, waits, and is given back; ports; what goes wrong in between."""

from typing import Any

from kubernetes.client import CoreV1Api

from tests.controller.caas.conftest import Portal, component
from tests.testbeds.stack import until


async def test_an_app_is_a_namespace_with_a_pool_and_is_gone_with_all_in_it(portal: Portal) -> None:
    made = await portal.create(units=5, ports=2)
    assert (made.status, made.body["phase"], made.body["namespace"]) == (201, "there", f"app-{portal.app}")
    with portal.cluster.client() as client:
        core = CoreV1Api(client)
        namespace = core.read_namespace(made.body["namespace"])
        quota = core.read_namespaced_resource_quota("pool", made.body["namespace"])
    assert namespace.metadata.labels["idevops/app"] == f"app.{portal.app}"
    assert namespace.metadata.labels["pod-security.kubernetes.io/enforce"] == "baseline"
    assert quota.spec.hard == {"limits.memory": "640Mi", "services.nodeports": "2"}
    assert (await portal.create()).status == 409
    assert (await portal.call("DELETE")).status in (200, 202)
    await portal.is_gone("")


async def test_long_lists_are_read_page_by_page(portal: Portal) -> None:
    apps = [Portal(portal.shell, portal.cluster, f"{portal.app}-{letter}") for letter in "cab"]
    for app in (*apps, Portal(portal.shell, portal.cluster, portal.app, "caas_apps")):
        await app.create()
    names = sorted(app.app for app in apps)
    await portal.create()
    for name in ("two", "one", "three"):
        await portal.put_in(name, component())
    for path, expected in (
        ("//api/v1/apps", [portal.app, *names]),
        (f"//api/v1/apps/{portal.app}/instances", ["one", "three", "two"]),
    ):
        found, cursor = list[str](), ""
        while cursor is not None:
            page = (await portal.shell.get(f"{path}?limit=2&cursor={cursor}")).body
            assert len(page["items"]) <= 2
            found, cursor = found + [one["name"] for one in page["items"]], page["next"]
        assert found == expected
        assert (await portal.shell.get(f"{path}?limit={len(expected)}")).body["next"] is None
        assert (await portal.shell.get(f"{path}?limit=0")).body == {"items": [], "next": None}
        assert (await portal.shell.get(f"{path}?limit=many")).status == 400


async def test_an_instance_is_not_changed_in_place_and_that_is_said(portal: Portal) -> None:
    await portal.create()
    await portal.put_in("web", component())
    again = await portal.put_in("web", component(image="web:2"))
    assert (again.status, again.message) == (
        409, "there is an instance web already, and none is changed in place: delete it first, or take another name"
    )  # fmt: skip
    put = await portal.call("PUT", "/instances/web", {"kind": "AppInstance", "name": "web", "components": []})
    assert (put.status, put.message) == (405, "PUT is not known here; DELETE,GET is")
    assert (await portal.component("web", "web"))["image"] == "web:1"


async def test_two_components_that_would_be_called_the_same_are_told_apart_before_anything_is_made(
    portal: Portal,
) -> None:
    await portal.create()
    await portal.put_in("a", component("b-c", ports=[80]))
    for query in ("?dry_run=true", ""):
        refused = await portal.put_in("a-b", component("c", ports=[80]), query=query)
        assert (refused.status, refused.message) == (
            409, "c of a-b would be called a-b-c in the cluster, as b-c of a is; give it another name"
        )  # fmt: skip
    assert (await portal.call("GET")).body["ports_in_use"] == 1
    assert (await portal.put_in("a-b", component("d"))).status == 201


async def test_the_sixth_of_six_waits_says_so_at_once_and_starts_when_another_stops(portal: Portal) -> None:
    await portal.create(units=5)
    five = [component(f"c{number}") for number in range(5)]
    assert (await portal.put_in("full", *five)).status == 201
    for one in five:
        await portal.becomes("full", one["name"], "running")
    said = (await portal.put_in("more", component("late"))).body
    assert (said["state"], said["components"][0]["state"]) == ("waiting", "waiting")
    reason = said["components"][0]["reason"]
    assert reason.startswith(
        "waits for memory: asked 1 unit (128 MiB), the pool has 5 units (640 MiB) and 5 are in use"
    )
    assert "full/c0 1" in reason
    refused = await portal.put_in("strict", component(), query="?strict=true")
    assert (refused.status, refused.message.partition(", the pool")[0]) == (403, "does not fit: asked 1 unit (128 MiB)")
    assert (await portal.call("GET", "/instances/strict")).status == 404

    assert (await portal.call("PUT", "/instances/full/components/c0/stopped")).status == 202
    await portal.becomes("more", "late", "running")
    stopped = await portal.becomes("full", "c0", "stopped")
    assert (stopped["replicas"], stopped["desired"]) == (1, 0)
    usage = (await portal.call("GET", "/usage")).body
    assert (usage["memory_units"], usage["in_use"], usage["free"]) == (5.0, 5.0, 0.0)
    assert {share["component"]: share["memory_units"] for share in usage["shares"]}["late"] == 1.0


async def test_the_pool_may_be_taken_behind_our_back(portal: Portal) -> None:
    made = (await portal.create(units=2)).body
    pod: Any = {
        "metadata": {"name": "theirs"},
        "spec": {"containers": [{"name": "c", "image": "x", "resources": {"limits": {"memory": "256Mi"}}}]},
    }
    with portal.cluster.client() as client:
        core = CoreV1Api(client)
        core.create_namespaced_pod(made["namespace"], pod)

        async def counted() -> bool:
            return bool((await portal.call("GET", "/usage")).body["others"] == 2.0)

        await until(counted, "the quota to count what is theirs")
        assert (await portal.put_in("web", component())).body["state"] == "waiting"
        waiting = await portal.becomes("web", "web", "waiting")
        assert "(by others 2)" in waiting["reason"]
        core.delete_namespaced_pod("theirs", made["namespace"])
        await portal.becomes("web", "web", "running")


async def test_a_pool_grows_and_never_becomes_smaller_than_what_runs(portal: Portal) -> None:
    await portal.create(units=1)
    await portal.put_in("web", component(replicas=2))
    await portal.becomes("web", "web", "waiting")
    assert (await portal.call("PATCH", "", {"memory_units": 2})).body["memory_units"] == 2
    await portal.becomes("web", "web", "running")
    refused = await portal.call("PATCH", "", {"memory_units": 1})
    assert (refused.status, "less than what runs" in refused.message) == (409, True)


async def test_each_exported_port_gets_one_of_its_own_and_an_address(portal: Portal) -> None:
    await portal.create(ports=3)
    shown = (await portal.put_in("web", component(ports=[80, 8443]))).body["components"][0]["ports"]
    assert {port["container_port"] for port in shown} == {80, 8443}
    assert len({port["port"] for port in shown}) == 2
    first = next(port for port in shown if port["container_port"] == 80)
    assert first["url"] == f"http://web-web.apps.example.org:{first['port']}"
    assert (first["ip"], first["shared_address"]) == ("192.0.2.9", True)
    refused = await portal.put_in("more", component(ports=[1, 2]))
    assert (refused.status, "may have 3 ports and has 2; 2 more do not fit" in refused.message) == (409, True)
    await portal.call("DELETE", "/instances/web")
    await portal.is_gone("/instances/web")
    assert (await portal.put_in("more", component(ports=[1, 2, 3]))).status == 201


async def test_a_port_that_somebody_else_has_is_noted_as_his_and_the_next_one_taken(portal: Portal) -> None:
    await portal.create()
    free = (await portal.shell.call("GET", "//api/v1/port_pools/main/free")).body["ranges"][0]["first"]
    service: Any = {
        "metadata": {"name": f"theirs-{free}"},
        "spec": {"type": "NodePort", "ports": [{"port": 80, "nodePort": free}]},
    }
    with portal.cluster.client() as client:
        core = CoreV1Api(client)
        core.create_namespaced_service("default", service)
        try:
            shown = (await portal.put_in("web", component(ports=[80]))).body["components"][0]["ports"]
            assert shown[0]["port"] != free
            pool = (await portal.shell.call("GET", "//api/v1/port_pools/main")).body
            states = {port["port"]: (port["state"], port["owner"]) for port in pool["ports"]}
            assert states[free] == ("foreign", f"default/theirs-{free}")
            assert states[shown[0]["port"]][0] == "taken"
            assert [port["instance"] for port in pool["ports"] if port["port"] == shown[0]["port"]] == ["web"]
        finally:
            core.delete_namespaced_service(f"theirs-{free}", "default", _preload_content=False)


async def test_what_stands_in_the_way_is_said_in_a_sentence(portal: Portal) -> None:
    await portal.create(units=8)
    await portal.put_in("bad", component("typo", image="no-such-image:1"), component("dies", image="crash:137"))
    typo = await portal.becomes("bad", "typo", "failing")
    assert typo["reason"].startswith("its image no-such-image:1 cannot be pulled")
    dies = await portal.becomes("bad", "dies", "failing")
    assert "last with exit code 137" in dies["reason"]
    await portal.put_in("big", component("db", memory_units=1000))
    waiting = await portal.component("big", "db")
    assert waiting["reason"].startswith("waits for memory that the pool will never have")


async def test_stop_is_remembered_and_restart_replaces_the_pods(portal: Portal) -> None:
    await portal.create()
    await portal.put_in("web", component(replicas=2))
    await portal.becomes("web", "web", "running")
    before = {pod["name"] for pod in (await portal.call("GET", "/instances/web/pods")).body["items"]}
    assert (await portal.call("PUT", "/instances/web/restart")).status == 202

    async def replaced() -> bool:
        pods = (await portal.call("GET", "/instances/web/pods")).body["items"]
        return len(pods) == 2 and not {pod["name"] for pod in pods} & before and all(pod["ready"] for pod in pods)

    await until(replaced, "two other pods")
    await portal.call("PUT", "/instances/web/stopped")
    await portal.becomes("web", "web", "stopped")
    refused = await portal.call("PUT", "/instances/web/restart")
    assert (refused.status, "is stopped, and cannot be restarted" in refused.message) == (409, True)
    await portal.call("PUT", "/instances/web/running")
    assert (await portal.becomes("web", "web", "running"))["ready"] == 2


async def test_an_instance_that_the_cluster_refuses_leaves_nothing(portal: Portal) -> None:
    made = (await portal.create()).body
    template = {"spec": {"template": {"spec": {"hostNetwork": True}}}}
    refused = await portal.put_in("web", component(ports=[80], rc_template=template))
    assert refused.status == 422
    assert any("hostNetwork" in detail for detail in refused.body["error"]["details"])
    with portal.cluster.client() as client:
        core = CoreV1Api(client)
        # An RC of that name that is none of ours: the second step fails after the first was done.
        theirs: Any = {"metadata": {"name": "web-web"}, "spec": {"replicas": 0, "selector": {"a": "b"}}}
        theirs["spec"]["template"] = {
            "metadata": {"labels": {"a": "b"}},
            "spec": {"containers": [{"name": "c", "image": "x"}]},
        }
        core.create_namespaced_replication_controller(made["namespace"], theirs)
        refused = await portal.put_in("web", component(ports=[80]))
        assert (refused.status, "has a replicationcontrollers/web-web already" in refused.message) == (409, True)
        await portal.is_gone("/instances/web")
        assert core.list_namespaced_service(made["namespace"]).items == []
        assert core.list_namespaced_replication_controller(made["namespace"]).items[0].metadata.name == "web-web"
    assert (await portal.call("GET", "/usage")).body["ports"] == []


async def test_the_free_plan_has_its_limits(portal: Portal) -> None:
    refused = await portal.create(units=6, plan="free")
    assert (refused.status, "the free plan has at most 5 memory units and 3 ports" in refused.message) == (422, True)
    assert (await portal.create(units=5, plan="free")).status == 201
    assert (await portal.call("PATCH", "", {"memory_units": 6})).status == 422
    assert (await portal.call("PATCH", "", {"memory_units": 6, "plan": "standard"})).status == 200
