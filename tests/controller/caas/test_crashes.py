"""The controller is killed before and after each write to the cluster; the next one puts right what it left."""

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client import CoreV1Api

from paas_controller.caas import clusters, settling
from paas_controller.caas.words import INSTANCE
from tests.controller.caas.conftest import Portal, cluster_settings, component
from tests.controller.caas.power import Machine
from tests.controller.shell import Answer
from tests.testbeds.kubernetes.cluster import Cluster
from tests.testbeds.stack import until

_numbers = itertools.count()


@pytest.fixture
async def machine(kubernetes: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Machine]:
    """What is asked of this cluster before a crash has been done by the next start, so that nothing is waited for."""
    machine = Machine(tmp_path, {"clusters": (cluster_settings(kubernetes),)})
    monkeypatch.setattr(clusters, "Cluster", machine.client)
    monkeypatch.setattr(settling, "_LATE", 0.0)
    monkeypatch.setattr(settling, "_PATIENCE", 3.0)
    await machine.start()
    yield machine
    for app in (await machine.shell.call("GET", "//api/v1/apps")).body["items"]:
        await machine.shell.call("DELETE", f"//api/v1/apps/{app['name']}")
    await machine.end()


class Shop:
    """One app on whichever controller runs."""

    def __init__(self, machine: Machine, cluster: Cluster) -> None:
        self.machine, self.cluster, self.name = machine, cluster, f"crash-{next(_numbers)}"

    @property
    def portal(self) -> Portal:
        return Portal(self.machine.shell, self.cluster, self.name)

    async def create(self) -> Answer:
        return await self.portal.create()

    async def web(self) -> Answer:
        return await self.portal.put_in("web", component(ports=[80]), component("db"))

    async def web_without_pods(self) -> None:
        """A namespace without pods is emptied sooner."""
        await self.web()
        await self.portal.call("PUT", "/instances/web/stopped")
        for name in ("web", "db"):
            await self.portal.becomes("web", name, "stopped")

    async def killed_in_each_step_of(
        self, act: Callable[[], Awaitable[Answer]], right: Callable[[], Awaitable[None]]
    ) -> int:
        """In how many steps; each time it is looked whether all is right. In the end it is done and answered."""
        for step in itertools.count():
            answered = await self.machine.killed_in(step, act)
            if answered:
                assert answered.status < 300, answered.body
                return step
            await right()
        raise AssertionError

    async def has_nothing(self) -> None:
        """No instance, no port, and nothing in the cluster."""
        await self.portal.is_gone("/instances/web")
        assert await self.ports() == []
        assert self.in_the_cluster() == []

    async def ports(self) -> list[int]:
        pool = (await self.machine.shell.call("GET", "//api/v1/port_pools/main")).body
        return [port["port"] for port in pool["ports"] if port["owner"] == f"app.{self.name}"]

    def in_the_cluster(self) -> list[str]:
        with self.cluster.client() as client:
            core, found = CoreV1Api(client), list[Any]()
            for kind in ("replication_controller", "service", "pod"):
                found += getattr(core, f"list_namespaced_{kind}")(f"app-{self.name}", label_selector=INSTANCE).items
        return [each.metadata.name for each in found]

    def quota(self) -> dict[str, str]:
        with self.cluster.client() as client:
            found = CoreV1Api(client).read_namespaced_resource_quota("pool", f"app-{self.name}")
            return dict(found.spec.hard)


@pytest.fixture
def shop(machine: Machine, kubernetes: Cluster) -> Shop:
    return Shop(machine, kubernetes)


async def test_while_an_instance_is_made_nothing_is_left_and_what_was_answered_is_there(shop: Shop) -> None:
    await shop.portal.create()
    assert await shop.killed_in_each_step_of(shop.web, shop.has_nothing) == 6
    await shop.portal.becomes("web", "web", "running")
    [port] = (await shop.portal.component("web", "web"))["ports"]
    assert await shop.ports() == [port["port"]]


async def test_while_an_instance_is_deleted_it_is_gone_in_the_end(shop: Shop) -> None:
    await shop.portal.create()
    await shop.web()

    async def gone_and_made_anew() -> None:
        await shop.has_nothing()
        assert (await shop.web()).status == 201

    async def delete() -> Answer:
        return await shop.portal.call("DELETE", "/instances/web")

    assert await shop.killed_in_each_step_of(delete, gone_and_made_anew) >= 6
    await shop.has_nothing()


async def test_while_an_app_is_made_nothing_is_left_and_what_was_answered_is_there(shop: Shop) -> None:
    async def is_gone() -> None:
        await shop.portal.is_gone("")
        with shop.cluster.client() as client:
            names = [each.metadata.name for each in CoreV1Api(client).list_namespace().items]
        assert f"app-{shop.name}" not in names

    assert await shop.killed_in_each_step_of(shop.create, is_gone) == 6
    assert (await shop.portal.call("GET")).body["phase"] == "there"
    assert (await shop.web()).status == 201


async def test_while_an_app_is_deleted_it_is_gone_with_all_its_ports(shop: Shop) -> None:
    await shop.portal.create()
    await shop.web_without_pods()

    async def gone_and_made_anew() -> None:
        await shop.portal.is_gone("")
        assert await shop.ports() == []
        await shop.portal.create()
        await shop.web_without_pods()

    async def delete() -> Answer:
        return await shop.portal.call("DELETE")

    assert await shop.killed_in_each_step_of(delete, gone_and_made_anew) == 2
    await shop.portal.is_gone("")


async def test_while_a_pool_is_resized_it_has_one_size_in_the_end(shop: Shop) -> None:
    await shop.portal.create(units=5)

    async def same_everywhere() -> None:
        async def look() -> bool:
            shown = (await shop.portal.call("GET")).body
            return shop.quota()["limits.memory"] == f"{shown['memory_units'] * 128}Mi"

        await until(look, "row and quota to be the same")

    async def resize() -> Answer:
        return await shop.portal.call("PATCH", "", {"memory_units": 7})

    assert await shop.killed_in_each_step_of(resize, same_everywhere) >= 4
    await same_everywhere()
    assert (await shop.portal.call("GET")).body["memory_units"] == 7


async def test_a_request_with_a_key_is_done_after_all_when_it_is_asked_for_again(shop: Shop) -> None:
    """What was taken back is no answer to it."""
    await shop.portal.create()
    body = {"kind": "AppInstance", "name": "web", "components": [component()]}
    path, key = f"//api/v1/apps/{shop.name}/instances", {"Idempotency-Key": "a"}

    async def ask() -> Answer:
        return await shop.machine.shell.call("POST", path, body, headers=key)

    assert await shop.machine.killed_in(1, ask) is None
    await shop.has_nothing()
    assert (await ask()).status == 201
