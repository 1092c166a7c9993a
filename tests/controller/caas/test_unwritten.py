"""The database cannot write: nothing is done in the cluster either, and what drifts there is put right all the same."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from kubernetes.client import CoreV1Api

from paas_controller.store.database import Database
from tests.controller.caas.conftest import Portal, component
from tests.testbeds.stack import until


@contextmanager
def full() -> Iterator[None]:
    """No commit goes through."""

    def commit(*_: Any) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "commit", commit)
        yield


async def test_a_wish_or_another_size_is_refused_and_nothing_of_it_is_done(portal: Portal) -> None:
    namespace = (await portal.create(units=5)).body["namespace"]
    await portal.put_in("web", component())
    await portal.becomes("web", "web", "running")
    [pod] = (await portal.call("GET", "/instances/web/pods")).body["items"]
    with full(), portal.cluster.client() as client:
        core = CoreV1Api(client)
        for method, path, body in (
            ("PUT", "/instances/web/stopped", None), ("PUT", "/instances/web/restart", None),
            ("PATCH", "", {"memory_units": 3}),
        ):  # fmt: skip
            refused = await portal.call(method, path, body)
            assert (refused.status, "nothing was changed" in refused.message) == (503, True), path
        assert core.read_namespaced_replication_controller("web-web", namespace).spec.replicas == 1
        assert core.read_namespaced_resource_quota("pool", namespace).spec.hard["limits.memory"] == "640Mi"
    [same] = (await portal.call("GET", "/instances/web/pods")).body["items"]
    assert same["name"] == pod["name"]


async def test_what_somebody_changed_is_put_right_meanwhile(portal: Portal) -> None:
    namespace = (await portal.create(units=5)).body["namespace"]
    await portal.put_in("web", component())
    await portal.becomes("web", "web", "running")
    with full(), portal.cluster.client() as client:
        core = CoreV1Api(client)
        core.delete_namespaced_limit_range("unit", namespace)

        async def right() -> bool:
            return bool(core.list_namespaced_limit_range(namespace).items)

        await until(right, "the limits to be there again")
