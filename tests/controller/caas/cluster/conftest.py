"""A client of a real API server, and namespaces of a test's own."""

import asyncio
import itertools
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from paas_controller.base.clock import SystemClock
from paas_controller.base.clusters import ClusterSettings
from paas_controller.caas.cluster.client import Cluster
from paas_controller.caas.cluster.mirror import Mirror
from paas_controller.caas.cluster.watching import watch
from paas_controller.caas.words import APP, COMPONENT, INSTANCE
from tests.testbeds.kubernetes.cluster import NODE
from tests.testbeds.kubernetes.cluster import Cluster as Bed

_numbers = itertools.count(1)
BACKGROUND = {"propagationPolicy": "Background", "gracePeriodSeconds": 0}


def settings(kubeconfig: Path, context: str = "", name: str = "east") -> ClusterSettings:
    return ClusterSettings(name=name, kubeconfig=kubeconfig, context=context)


def threads(name: str) -> list[str]:
    """Those of a client of this name."""
    return [thread.name for thread in threading.enumerate() if name in thread.name]


@pytest.fixture
async def client(kubernetes: Bed) -> AsyncIterator[Cluster]:
    made = Cluster(settings(kubernetes.kubeconfig()))
    yield made
    await made.close()


@pytest.fixture
async def namespace(client: Cluster) -> AsyncIterator[str]:
    async for name in new_namespace(client):
        yield name


@pytest.fixture
async def other_namespace(client: Cluster) -> AsyncIterator[str]:
    async for name in new_namespace(client):
        yield name


async def new_namespace(client: Cluster) -> AsyncIterator[str]:
    name = f"mirrored-{next(_numbers)}"
    await client.create("/api/v1/namespaces", {"metadata": {"name": name, "labels": {APP: f"app.{name}"}}})
    account = f"/api/v1/namespaces/{name}/serviceaccounts/default"
    await until(lambda: client.get(account))
    yield name
    await client.delete(f"/api/v1/namespaces/{name}", BACKGROUND)


async def until(look: Callable[[], Awaitable[Any]]) -> None:
    """Until it no longer fails."""
    async with asyncio.timeout(20):
        while True:
            try:
                await look()
                return
            except Exception:
                await asyncio.sleep(0.02)


class Watched:
    """A mirror that is kept, and what it told."""

    def __init__(self, client: Cluster) -> None:
        self.told: list[tuple[str, str, str]] = []
        self._news = asyncio.Event()
        self.mirror = Mirror("east", SystemClock(), self._hear)
        self.task = asyncio.create_task(watch(client, self.mirror, Random(1)))

    def _hear(self, *what: str) -> None:
        kind, namespace, instance = what
        self.told.append((kind, namespace, instance))
        self._news.set()

    async def until(self, look: Callable[[Mirror], object]) -> None:
        """Looks again whenever something changed, and now and then for what tells nobody."""
        async with asyncio.timeout(30):
            while not look(self.mirror):
                self._news.clear()
                try:
                    async with asyncio.timeout(0.1):
                        await self._news.wait()
                except TimeoutError:
                    continue

    async def end(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


@pytest.fixture
async def watched(client: Cluster) -> AsyncIterator[Watched]:
    made = Watched(client)
    await made.mirror.ready(20)
    yield made
    await made.end()


def labels(instance: str, component: str = "web") -> dict[str, str]:
    return {INSTANCE: instance, COMPONENT: component}


def never_ends(name: str) -> dict[str, Any]:
    """A pod that stays when it is deleted: it begins on a node, since one that has none yet is gone at once."""
    spec = controller("web", "i1", image="never-ends")["spec"]["template"]["spec"]
    return {"metadata": {"name": name}, "spec": spec | {"nodeName": NODE}}


def controller(name: str, instance: str, replicas: int = 1, image: str = "web:1") -> dict[str, Any]:
    own = labels(instance, name)
    limits = {"requests": {"memory": "64Mi"}, "limits": {"memory": "64Mi"}}
    inside = {"containers": [{"name": "main", "image": image, "resources": limits}]}
    template = {"metadata": {"labels": own}, "spec": inside}
    spec = {"replicas": replicas, "selector": own, "template": template}
    return {"metadata": {"name": name, "labels": own}, "spec": spec}


def service(name: str, instance: str = "", node_port: int = 0) -> dict[str, Any]:
    about = {"name": name, "labels": labels(instance) if instance else {}}
    port = {"port": 80, "targetPort": 8080} | ({"nodePort": node_port} if node_port else {})
    return {"metadata": about, "spec": {"type": "NodePort", "selector": labels("i1"), "ports": [port]}}


def quota(memory: str) -> dict[str, Any]:
    return {"metadata": {"name": "pool"}, "spec": {"hard": {"limits.memory": memory, "services.nodeports": "1"}}}
