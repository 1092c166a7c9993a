"""A controller in this process, beside a real API server; each test has apps of its own."""

import itertools
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client import ApiException, CoreV1Api

from paas_controller.base.clusters import ClusterSettings
from paas_controller.caas import clusters, settling
from paas_controller.caas.cluster.client import Cluster as Client
from tests.controller.shell import Answer, Shell
from tests.testbeds.kubernetes.cluster import Cluster
from tests.testbeds.stack import until

DEADLINE = 1.0
"""Of `soon`."""
_numbers = itertools.count()


@dataclass
class Portal:
    """What a portal asks, below /api/v1, about one app."""

    shell: Shell
    cluster: Cluster
    app: str
    kind: str = "apps"

    async def call(self, method: str, path: str = "", document: Any = None, token: str = "") -> Answer:
        where = f"//api/v1/{self.kind}/{self.app}{path}"
        return await self.shell.call(method, where, document, token=token or None)

    async def create(self, units: int = 5, ports: int = 3, **more: Any) -> Answer:
        body = {"name": self.app, "memory_units": units, "max_ports": ports} | more
        return await self.shell.call("POST", f"//api/v1/{self.kind}", body)

    async def put_in(self, name: str, *components: dict[str, Any], query: str = "") -> Answer:
        body = {"kind": "AppInstance", "name": name, "components": list(components)}
        return await self.call("POST", f"/instances{query}", body)

    async def component(self, name: str, component: str) -> dict[str, Any]:
        shown = (await self.call("GET", f"/instances/{name}")).body
        return next(one for one in shown["components"] if one["name"] == component)

    async def becomes(self, name: str, component: str, state: str) -> dict[str, Any]:
        """Waits until the component is so."""

        async def look() -> dict[str, Any] | None:
            found = await self.component(name, component)
            return found if found["state"] == state else None

        return await until(look, f"{name}/{component} to be {state}; it is {await self.component(name, component)}")

    async def is_gone(self, path: str) -> None:
        async def look() -> bool:
            return (await self.call("GET", path)).status == 404

        await until(look, f"{path or self.app} to be gone")


def component(name: str = "web", **more: Any) -> dict[str, Any]:
    return {"name": name, "image": "web:1"} | more


def cluster_settings(kubernetes: Cluster) -> ClusterSettings:
    first, last = kubernetes.node_ports[0], kubernetes.node_ports[-1]
    return ClusterSettings(
        name="main", kubeconfig=kubernetes.kubeconfig(), address="192.0.2.9", domain="apps.example.org",
        ports=f"{first}-{last}",
    )  # fmt: skip


@pytest.fixture
async def platform(kubernetes: Cluster, tmp_path: Path) -> AsyncIterator[Shell]:
    """A controller with that cluster; the clock is the machine's."""
    shell = Shell(tmp_path / "data", settings={"clusters": (cluster_settings(kubernetes),)})
    shell.folder.mkdir()
    await shell.start()
    yield shell
    kinds = [(await shell.call("GET", f"//api/v1/{kind}")).body["items"] for kind in ("apps", "caas_apps")]
    await shell.stop()
    with kubernetes.client() as client, suppress(ApiException):  # nobody waits for the end of what has ended
        core = CoreV1Api(client)
        for namespace in [app["namespace"] for app in chain(*kinds)]:
            for service in core.list_namespaced_service(namespace).items:  # the next test may want its port
                core.delete_namespaced_service(service.metadata.name, namespace, _preload_content=False)
            core.delete_namespace(namespace)


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes seconds takes less."""
    monkeypatch.setattr(clusters, "Cluster", partial(Client, deadline=DEADLINE))
    for name, seconds in (("_PATIENCE", 0.2), ("_LOOK", 0.2), ("_LATE", DEADLINE)):
        monkeypatch.setattr(settling, name, seconds)


@pytest.fixture
def portal(platform: Shell, kubernetes: Cluster) -> Portal:
    return Portal(platform, kubernetes, f"shop-{next(_numbers)}")


@pytest.fixture
def caas(platform: Shell, kubernetes: Cluster) -> Portal:
    return Portal(platform, kubernetes, f"tools-{next(_numbers)}", "caas_apps")
