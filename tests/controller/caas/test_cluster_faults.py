"""The API server is away, stands still, or has forgotten its past: what is asked is refused in time, and then right."""

import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client import CoreV1Api

from paas_controller.base.errors import Retryable
from paas_controller.caas import clusters
from paas_controller.caas.cluster.client import Cluster as Client
from paas_controller.caas.words import APP, INSTANCE
from tests.controller.caas.cluster.conftest import controller
from tests.controller.caas.conftest import DEADLINE, Portal, cluster_settings, component
from tests.controller.caas.test_story import told_until
from tests.controller.shell import Shell
from tests.testbeds.kubernetes.cluster import Cluster
from tests.testbeds.stack import until

pytestmark = pytest.mark.usefixtures("soon")


async def test_what_a_paused_api_server_was_asked_for_is_taken_back_when_it_is_done_after_all(portal: Portal) -> None:
    namespace = (await portal.create()).body["namespace"]
    with portal.cluster.paused():
        begun = time.monotonic()
        refused = await portal.put_in("web", component(ports=[80]), component("db"))
        assert (refused.status, time.monotonic() - begun < DEADLINE + 1) == (503, True)
        shown = (await portal.call("GET", "/instances/web")).body
        assert (shown["phase"], shown["state"], shown["why"]) == (
            "going", "stopping", "is being taken back: it was never made whole",
        )  # fmt: skip
    await portal.is_gone("/instances/web")
    with portal.cluster.client() as client:
        core = CoreV1Api(client)
        for kind in ("replication_controller", "service", "pod"):
            assert getattr(core, f"list_namespaced_{kind}")(namespace, label_selector=INSTANCE).items == []
    assert (await portal.call("GET", "/usage")).body["ports"] == []
    assert (await portal.put_in("web", component(ports=[80]))).status == 201
    await _comes_late_and_is_deleted(portal, namespace, shown["id"])
    await portal.becomes("web", "web", "running")
    told = await told_until(portal, "web", "running")
    assert [state for _, state, _ in told].count("gone") == 2  # one for each component


async def _comes_late_and_is_deleted(portal: Portal, namespace: str, instance: str) -> None:
    """A replication controller that was asked for long ago."""
    with portal.cluster.client() as client:
        core = CoreV1Api(client)
        core.create_namespaced_replication_controller(namespace, controller("late", instance))

        async def is_gone() -> bool:
            found = core.list_namespaced_replication_controller(namespace).items
            return [each.metadata.name for each in found] == ["web-web"]

        await until(is_gone, "what came too late to be gone")


async def test_an_app_that_a_paused_api_server_was_asked_for_is_taken_back(portal: Portal) -> None:
    other = replace(portal, app=f"{portal.app}-other")
    with portal.cluster.client() as client:
        core = CoreV1Api(client)
        labels = core.read_namespace((await other.create()).body["namespace"]).metadata.labels
    with portal.cluster.paused():
        assert (await portal.create()).status == 503
    await portal.is_gone("")
    with portal.cluster.client() as client:
        core, late = CoreV1Api(client), f"app-{portal.app}"
        core.create_namespace({"metadata": {"name": late, "labels": labels | {APP: f"app.{portal.app}"}}})

        async def is_gone() -> bool:
            return not core.list_namespace(field_selector=f"metadata.name={late}").items

        await until(is_gone, "a namespace that came too late to be gone")
    with portal.cluster.client() as client:
        names = [each.metadata.name for each in CoreV1Api(client).list_namespace().items]
    assert f"app-{portal.app}" not in names
    assert (await portal.create()).status == 201


async def test_after_the_past_was_forgotten_states_are_right_again(portal: Portal) -> None:
    namespace = (await portal.create()).body["namespace"]
    await portal.put_in("web", component(replicas=2))
    await portal.becomes("web", "web", "running")
    portal.cluster.compact()
    with portal.cluster.client() as client:
        CoreV1Api(client).delete_collection_namespaced_pod(namespace, grace_period_seconds=0)
    former = (await portal.call("GET", "/instances/web/pods")).body["items"]

    async def replaced() -> bool:
        pods = (await portal.call("GET", "/instances/web/pods")).body["items"]
        return {pod["name"] for pod in pods if pod["ready"]}.isdisjoint(pod["name"] for pod in former) and len(pods) > 1

    await until(replaced, "two other pods")
    await portal.call("PUT", "/instances/web/stopped")
    await portal.becomes("web", "web", "stopped")


async def test_who_waits_starts_although_api_server_and_controller_were_away_when_there_was_memory(
    portal: Portal, platform: Shell
) -> None:
    await _wait_for_memory(portal)
    await portal.call("PUT", "/instances/first/stopped")

    async def old() -> bool:
        return "this may be old (since 20" in (await portal.call("GET", "/instances/late")).body["why"]

    with portal.cluster.away():
        await until(old, "that it may be old")
        await platform.restart()
        await _tells_nothing_false(portal, "/instances/late")
        [shown] = (await portal.call("GET", "/instances/late")).body["components"]
        assert (shown["name"], shown["state"], shown["cause"]) == ("web", "unknow", "unread")
        assert shown["reason"].startswith("its cluster has not been read yet: ")
    await portal.becomes("late", "web", "running")


async def _tells_nothing_false(portal: Portal, instance: str) -> None:
    """Of a cluster that has not been read yet."""
    for path in ("/usage", f"{instance}/pods", f"{instance}/logs", f"{instance}/events"):
        refused = await portal.call("GET", path)
        assert (refused.status, refused.message.partition(": ")[0]) == (503, "the cluster main has not been read yet")
    [listed] = (await portal.shell.get("//api/v1/apps")).body["items"]
    for shown in (listed, (await portal.call("GET")).body):
        assert shown["why"].startswith("the cluster main has not been read yet: ")


async def test_who_waits_starts_soon_after_there_is_memory(portal: Portal) -> None:
    await _wait_for_memory(portal)
    await portal.call("PUT", "/instances/first/stopped")
    assert await _starts_within(portal) < 1.0


class Deaf(Client):
    """Does not hear the first nudges."""

    nudges = 0

    async def patch(self, path: str, body: dict[str, Any], query: Any = None) -> dict[str, Any]:
        if "idevops/nudged" in body.get("metadata", {}).get("annotations", {}):
            Deaf.nudges += 1
            if Deaf.nudges < 3:
                raise Retryable("the cluster does not hear")
        return await super().patch(path, body, query)


@pytest.fixture
async def deaf(kubernetes: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Portal]:
    monkeypatch.setattr(clusters, "Cluster", Deaf)
    shell = Shell(tmp_path / "deaf", settings={"clusters": (cluster_settings(kubernetes),)})
    shell.folder.mkdir()
    await shell.start()
    yield Portal(shell, kubernetes, "deaf")
    await shell.call("DELETE", "//api/v1/apps/deaf")
    await shell.stop()


@contextmanager
def without_controllers(cluster: Cluster) -> Iterator[None]:
    """Kubernetes' own stand still: nothing starts by itself."""
    manager = cluster.pids[2]
    os.kill(manager, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(manager, signal.SIGCONT)


async def test_a_nudge_that_was_not_heard_is_given_again(deaf: Portal) -> None:
    await _wait_for_memory(deaf)
    with deaf.cluster.client() as client:
        core = CoreV1Api(client)

        async def has_failed() -> bool:
            return bool(core.read_namespaced_replication_controller("late-web", "app-deaf").status.conditions)

        async def is_nudged() -> bool:
            found = core.read_namespaced_replication_controller("late-web", "app-deaf")
            return "idevops/nudged" in found.metadata.annotations

        await until(has_failed, "a pod to be refused")
        with without_controllers(deaf.cluster):
            assert (await deaf.call("PATCH", "", {"memory_units": 2})).status == 200
            await until(is_nudged, "a nudge that is heard")
    assert Deaf.nudges >= 3
    await deaf.becomes("late", "web", "running")


async def _wait_for_memory(portal: Portal) -> None:
    await portal.create(units=1)
    await portal.put_in("first", component())
    await portal.becomes("first", "web", "running")
    await portal.put_in("late", component())
    await portal.becomes("late", "web", "waiting")


async def _starts_within(portal: Portal) -> float:
    """Seconds from when there is memory until it runs."""

    async def free() -> bool:
        shares = (await portal.call("GET", "/usage")).body["shares"]
        return not any(share["instance"] == "first" and share["memory_units"] for share in shares)

    await until(free, "memory to be free")
    begun = time.monotonic()
    await portal.becomes("late", "web", "running")
    return time.monotonic() - begun
