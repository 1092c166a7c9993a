"""Whose a namespace is: controllers that share a cluster keep to their own, and put right what is theirs."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from kubernetes.client import CoreV1Api

from tests.controller.caas.conftest import Portal, cluster_settings, component
from tests.controller.shell import Shell
from tests.testbeds.kubernetes.cluster import Cluster
from tests.testbeds.stack import until


@pytest.fixture
async def other(portal: Portal, kubernetes: Cluster, tmp_path: Path) -> AsyncIterator[Portal]:
    """A second controller beside the first, for an app of the same name."""
    shell = Shell(tmp_path / "other", settings={"clusters": (cluster_settings(kubernetes),)})
    shell.folder.mkdir()
    await shell.start()
    yield Portal(shell, kubernetes, portal.app)
    await shell.stop()


async def test_a_namespace_of_another_controller_is_neither_taken_nor_deleted(portal: Portal, other: Portal) -> None:
    namespace = (await portal.create()).body["namespace"]
    await portal.put_in("web", component(ports=[80]))
    with portal.cluster.client() as client:
        core = CoreV1Api(client)
        first = core.read_namespace(namespace).metadata.labels["idevops/controller"]
        refused = await other.create()
        assert (refused.status, refused.message.partition(" or hand it over: kubectl ")[0]) == (
            409, f"the cluster main has a namespace {namespace} that is none of ours: it is the controller {first}'s; "
            "delete it there,",
        )  # fmt: skip
        await other.is_gone("")
        assert core.read_namespace(namespace).status.phase == "Active"
        await portal.becomes("web", "web", "running")

        second = refused.message.rpartition("=")[2]
        core.patch_namespace(namespace, {"metadata": {"labels": {"idevops/controller": second}}})

        async def told() -> bool:
            why = (await portal.call("GET")).body["why"]
            return f"it is the controller {second}'s" in why and why.endswith(f"idevops/controller={first}")

        await until(told, "whose it is now")
        for refused in (await portal.put_in("more", component()), await portal.call("PATCH", "", {"memory_units": 6})):
            assert (refused.status, f"it is the controller {second}'s" in refused.message) == (409, True)
        await portal.shell.restart()
        await until(told, "whose it is now, and that the controller is who it was")
        await portal.call("DELETE")
        await portal.is_gone("")
        assert core.list_namespaced_service(namespace).items == []
        assert core.read_namespace(namespace).status.phase == "Active"
    assert (await other.create()).status == 201
    await other.call("DELETE")
    await other.is_gone("")


async def test_what_a_namespace_lost_of_its_labels_and_limits_is_put_back(portal: Portal) -> None:
    namespace = (await portal.create()).body["namespace"]
    with portal.cluster.client() as client:
        core = CoreV1Api(client)
        before = core.read_namespace(namespace).metadata.labels
        lost = {"idevops/app": None, "pod-security.kubernetes.io/enforce": None}
        core.patch_namespace(namespace, {"metadata": {"labels": lost}})
        core.delete_namespaced_limit_range("unit", namespace)

        async def right() -> bool:
            limits = [each.spec.limits[0].default for each in core.list_namespaced_limit_range(namespace).items]
            return (core.read_namespace(namespace).metadata.labels, limits) == (before, [{"memory": "128Mi"}])

        await until(right, "labels and limits to be there again")
        privileged = {"pod-security.kubernetes.io/enforce": "privileged"}
        core.patch_namespace(namespace, {"metadata": {"labels": privileged}})
        more = [{"type": "Container", "default": {"memory": "1Gi"}}]
        core.patch_namespaced_limit_range("unit", namespace, {"spec": {"limits": more}})
        await until(right, "labels and limits to be right again")
    assert (await portal.call("GET")).body["why"] == ""
