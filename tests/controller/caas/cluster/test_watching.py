"""A mirror of a real cluster: what it tells, and that it comes right again whatever happened meanwhile."""

import asyncio
from pathlib import Path

import pytest

from paas_controller.base.errors import Retryable
from paas_controller.caas.cluster import watching
from paas_controller.caas.cluster.client import Cluster
from paas_controller.caas.cluster.mirror import Mirror
from paas_controller.caas.cluster.objects import Quota
from paas_controller.caas.words import APP
from tests.controller.caas.cluster.conftest import (
    BACKGROUND,
    Watched,
    controller,
    never_ends,
    quota,
    service,
    settings,
    threads,
    until,
)
from tests.testbeds.kubernetes.cluster import Cluster as Bed

OF = "/api/v1/namespaces"
MANY, PAGE = 250, 100


async def make(client: Cluster, namespace: str, name: str, instance: str, replicas: int = 1) -> None:
    await client.create(f"{OF}/{namespace}/replicationcontrollers", controller(name, instance, replicas))


async def drop(client: Cluster, namespace: str, name: str) -> None:
    await client.delete(f"{OF}/{namespace}/replicationcontrollers/{name}", BACKGROUND)


def names(mirror: Mirror, namespace: str) -> set[str]:
    return {one.name for one in mirror.controllers(namespace)}


async def test_what_runs_is_seen_by_namespace_and_instance(
    client: Cluster, namespace: str, other_namespace: str, watched: Watched
) -> None:
    await make(client, namespace, "web", "i1", 2)
    await make(client, namespace, "db", "i2")
    await make(client, other_namespace, "web", "i3")
    await watched.until(lambda mirror: [one.ready for one in mirror.controllers(namespace, "i1")] == [2])
    await watched.until(lambda mirror: [one.ready for one in mirror.controllers(other_namespace)] == [1])
    assert len(watched.mirror.pods(namespace, "i1")) == 2
    assert {one.phase for one in watched.mirror.pods(namespace, "i1")} == {"running"}
    assert len(watched.mirror.pods(other_namespace)) == 1
    assert ("pod", namespace, "i1") in watched.told
    assert ("controller", other_namespace, "i3") in watched.told
    await drop(client, namespace, "web")
    await watched.until(lambda mirror: not mirror.pods(namespace, "i1"))


async def test_a_write_is_read_at_once(client: Cluster, namespace: str, watched: Watched) -> None:
    path = f"{OF}/{namespace}/replicationcontrollers"
    watched.mirror.put(await client.create(path, controller("web", "i1", 0)))
    assert names(watched.mirror, namespace) == {"web"}
    watched.mirror.put(await client.patch(f"{path}/web", {"spec": {"replicas": 3}}))
    assert [one.desired for one in watched.mirror.controllers(namespace)] == [3]


async def test_why_no_pod_is_made_is_seen_with_the_pool(client: Cluster, namespace: str, watched: Watched) -> None:
    await client.create(f"{OF}/{namespace}/resourcequotas", quota("64Mi"))
    size = 64 * 1024 * 1024
    await watched.until(lambda mirror: mirror.quota(namespace) == Quota(namespace, size, 0, 1, 0))
    await make(client, namespace, "web", "i1", 2)
    await watched.until(lambda mirror: [one for one in mirror.controllers(namespace) if one.failure])
    [web] = watched.mirror.controllers(namespace)
    assert "exceeded quota: pool, requested: limits.memory=64Mi" in web.failure
    await watched.until(lambda mirror: mirror.happenings(namespace, "web"))
    assert {one.reason for one in watched.mirror.happenings(namespace, "web")} == {"FailedCreate"}
    assert ("happening", namespace, "i1") in watched.told
    await watched.until(lambda mirror: mirror.quota(namespace) == Quota(namespace, size, size, 1, 0))


async def test_why_pods_do_not_run_is_seen(client: Cluster, namespace: str, watched: Watched) -> None:
    huge = controller("huge", "i1")
    huge["spec"]["template"]["spec"]["containers"][0]["resources"] = {"limits": {"memory": "9Ti"}}
    for made in (huge, controller("ends", "i2", image="crash:137"), controller("typo", "i3", image="no-such-image")):
        await client.create(f"{OF}/{namespace}/replicationcontrollers", made)
    await watched.until(lambda mirror: [one for one in mirror.pods(namespace, "i1") if one.unplaced])
    assert "Insufficient memory" in watched.mirror.pods(namespace, "i1")[0].unplaced
    await watched.until(lambda mirror: len([one for one in mirror.pods(namespace) if one.waiting]) == 2)
    [ends], [typo] = (watched.mirror.pods(namespace, instance) for instance in ("i2", "i3"))
    assert ends.waiting
    assert (ends.waiting.reason, ends.waiting.exit_code) == ("CrashLoopBackOff", 137)
    assert typo.waiting
    assert (typo.waiting.reason, typo.waiting.exit_code) == ("ImagePullBackOff", None)


async def test_a_namespace_that_hangs_says_on_what(client: Cluster, watched: Watched) -> None:
    await client.create(OF, {"metadata": {"name": "hangs", "labels": {APP: "app.hangs"}}})
    pod = never_ends("web")
    pod["spec"]["terminationGracePeriodSeconds"] = 1  # the cluster looks again after half of it
    await until(lambda: client.create(f"{OF}/hangs/pods", pod))
    await client.delete(f"{OF}/hangs", BACKGROUND)
    await watched.until(lambda mirror: (found := mirror.namespace("hangs")) and found.stuck)
    found = watched.mirror.namespace("hangs")
    assert found
    assert "pods. has 1 resource instances" in found.stuck
    await client.delete(f"{OF}/hangs/pods/web", {"gracePeriodSeconds": 0})
    await watched.until(lambda mirror: mirror.namespace("hangs") is None)


async def test_the_node_ports_of_everybody_are_known(client: Cluster, namespace: str, watched: Watched) -> None:
    made = await client.create(f"{OF}/{namespace}/services", service("theirs"))
    port = made["spec"]["ports"][0]["nodePort"]
    await watched.until(lambda mirror: mirror.node_ports().get(port) == f"{namespace}/theirs")
    await client.delete(f"{OF}/{namespace}/services/theirs")
    await watched.until(lambda mirror: port not in mirror.node_ports())


async def test_namespaces_of_apps_are_known_until_they_are_gone(
    client: Cluster, namespace: str, watched: Watched
) -> None:
    found = watched.mirror.namespace(namespace)
    assert found
    assert (found.app, found.leaving) == (f"app.{namespace}", False)
    assert watched.mirror.namespace("default") is None


async def test_a_killed_api_server_makes_it_stale_until_it_is_back(
    client: Cluster, namespace: str, watched: Watched, kubernetes: Bed
) -> None:
    await make(client, namespace, "web", "i1", 0)
    await watched.until(lambda mirror: names(mirror, namespace) == {"web"})
    with kubernetes.away():
        await watched.until(lambda mirror: mirror.stale_since is not None)
        assert watched.mirror.trouble.startswith("the cluster east cannot be reached (")
        assert names(watched.mirror, namespace) == {"web"}
    await drop(client, namespace, "web")
    await make(client, namespace, "db", "i2", 0)
    await watched.until(lambda mirror: mirror.stale_since is None and names(mirror, namespace) == {"db"})


async def test_a_paused_api_server_is_given_up_in_time(kubernetes: Bed) -> None:
    hasty = Cluster(settings(kubernetes.kubeconfig(), name="west"), deadline=1)
    await until(lambda: hasty.get(OF))
    with kubernetes.paused():
        async with asyncio.timeout(2):
            with pytest.raises(
                Retryable, match=r"^the cluster west does not answer within 1 s: is its API server up\?"
            ):
                await hasty.get(OF)
            await hasty.close()
    assert not threads("west")


async def test_watches_of_a_paused_api_server_end_at_once(kubernetes: Bed) -> None:
    client = Cluster(settings(kubernetes.kubeconfig(), name="west"))
    watched = Watched(client)
    await watched.mirror.ready(20)
    with kubernetes.paused():
        async with asyncio.timeout(1):
            await watched.end()
            await client.close()
    assert not threads("west")


async def test_a_cluster_that_is_not_there_is_not_ready_and_says_why(tmp_path: Path) -> None:
    (tmp_path / "kubeconfig").write_text("")
    client = Cluster(settings(tmp_path / "kubeconfig"))
    watched = Watched(client)
    await watched.until(lambda mirror: mirror.stale_since)
    told = r"^the cluster east has not been read yet: the kubeconfig of the cluster east cannot be used \("
    with pytest.raises(Retryable, match=told):
        await watched.mirror.ready(0.01)
    assert not watched.mirror.fresh
    await watched.end()
    await client.close()


async def test_many_objects_are_read_in_pages(client: Cluster, namespace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "_PAGE", PAGE)

    async def make_some(numbers: range) -> None:
        for number in numbers:
            await make(client, namespace, f"web-{number}", f"i{number}", 0)

    await asyncio.gather(*(make_some(range(first, MANY, 16)) for first in range(16)))
    watched = Watched(client)
    await watched.mirror.ready(20)
    assert len(watched.mirror.controllers(namespace)) == MANY
    assert [one.name for one in watched.mirror.controllers(namespace, f"i{MANY - 1}")] == [f"web-{MANY - 1}"]
    await watched.end()
