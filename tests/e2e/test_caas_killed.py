"""The controller is killed while it makes an instance of an app: no port is lost, nothing is left in the cluster."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from kubernetes.client import CoreV1Api

from tests.testbeds.kubernetes.cluster import Cluster
from tests.testbeds.stack import Stack, until

LABEL = "idevops/instanceId"
APP = "/api/v1/apps/killed"
WEB = {
    "kind": "AppInstance",
    "name": "web",
    "components": [{"name": "web", "image": "web:1", "ports": [80]}, {"name": "db", "image": "db:1", "ports": [5432]}],
}


@pytest.fixture
async def stack(kubernetes: Cluster, tmp_path: Path) -> AsyncIterator[Stack]:
    """A controller with that cluster."""
    first, last = kubernetes.node_ports[0], kubernetes.node_ports[-1]
    config = tmp_path / "controller.toml"
    config.write_text(
        f'[[clusters]]\nname = "main"\nkubeconfig = "{kubernetes.kubeconfig()}"\nports = "{first}-{last}"\n'
    )
    (tmp_path / "repo").mkdir()
    async with Stack(tmp_path / "stack", tmp_path / "repo", config=str(config)) as stack:
        await ask(stack, "POST", "/api/v1/apps", {"name": "killed", "memory_units": 5, "max_ports": 4})
        yield stack
        await ask(stack, "DELETE", APP)


async def ask(stack: Stack, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    asked = {"json": body, "headers": {"Authorization": f"Bearer {stack.token}"}}
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, stack.url + path, **asked) as response,
    ):
        return response.status, await response.json()


async def kill_while_it_makes(stack: Stack) -> None:
    """As soon as the instance is written down; another controller runs afterwards."""

    async def make() -> None:
        with suppress(aiohttp.ClientError):
            await ask(stack, "POST", f"{APP}/instances", WEB)

    async def is_written() -> bool:
        with closing(sqlite3.connect(stack.folder / "controller" / "controller.db")) as database:
            return bool(database.execute("SELECT 1 FROM app_instance").fetchone())

    making = asyncio.create_task(make())
    await until(is_written, "the instance to be written down")
    stack.controller.kill()
    await making


async def taken(stack: Stack) -> list[int]:
    return [port["port"] for port in (await ask(stack, "GET", "/api/v1/port_pools/main"))[1]["ports"]]


def in_the_cluster(cluster: Cluster) -> list[str]:
    with cluster.client() as client:
        core, found = CoreV1Api(client), list[Any]()
        for kind in ("replication_controller", "service", "pod"):
            found += getattr(core, f"list_namespaced_{kind}")("app-killed", label_selector=LABEL).items
    return [each.metadata.name for each in found]


async def test_a_killed_controller_leaves_nothing_half_made_and_keeps_what_it_answered(
    stack: Stack, kubernetes: Cluster
) -> None:
    with kubernetes.paused():  # what it has asked for by then is done after it was killed
        await kill_while_it_makes(stack)
    await stack.start_controller()

    async def is_gone() -> bool:
        return (await ask(stack, "GET", f"{APP}/instances/web"))[0] == 404

    await until(is_gone, "what was half made to be gone")
    assert (await taken(stack), in_the_cluster(kubernetes)) == ([], [])

    status, made = await ask(stack, "POST", f"{APP}/instances", WEB)
    assert status == 201, made
    stack.controller.kill()
    await stack.start_controller()

    async def runs() -> bool:
        return bool((await ask(stack, "GET", f"{APP}/instances/web"))[1]["state"] == "running")

    await until(runs, "what was answered to run")
    assert sorted(await taken(stack)) == sorted(port["port"] for one in made["components"] for port in one["ports"])
