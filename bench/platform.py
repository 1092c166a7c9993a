"""A controller as shipped beside a Kubernetes, and what a portal and the bare client ask of the two."""

import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from kubernetes.client import CoreV1Api

from paas_controller.web.routing import API1
from tests.testbeds.kubernetes.cluster import Cluster, cluster
from tests.testbeds.memory import memory
from tests.testbeds.stack import Stack, until

PORTS = range(30000, 32767)
AT_REST = 0.1
"""Seconds before each turn: pods that were just made keep the machine busy."""


@dataclass(frozen=True, slots=True)
class Platform:
    """`session` speaks to the controller, `core` to the API server."""

    stack: Stack
    session: aiohttp.ClientSession
    core: CoreV1Api

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The answer below /api/v1; AssertionError shows any refusal."""
        async with self.session.request(method, f"{API1}{path}", json=body) as response:
            answer = await response.json()
            assert response.status < 300, answer
            return answer

    async def ping(self) -> None:
        async with self.session.get("/ping") as response:
            await response.read()

    async def create_app(self, name: str, units: int = 100) -> None:
        await self.ask("POST", "/apps", {"name": name, "memory_units": units, "max_ports": units})

    async def create_instance(self, app: str, name: str, image: str = "web:1", components: int = 1) -> None:
        """With so many components, each of which exports a port."""
        made = [{"name": f"c{number}", "image": image, "ports": [80]} for number in range(components)]
        body = {"kind": "AppInstance", "name": name, "components": made}
        await self.ask("POST", f"/apps/{app}/instances", body)

    async def are(self, app: str, state: str) -> None:
        """Waits until all instances of the app are so."""

        async def look() -> bool:
            found = (await self.ask("GET", f"/apps/{app}/instances"))["items"]
            return all(one["state"] == state for one in found)

        await until(look, f"the instances of {app} to be {state}", 120)

    async def becomes(self, app: str, name: str, state: str) -> None:
        async def look() -> bool:
            return bool((await self.ask("GET", f"/apps/{app}/instances/{name}"))["state"] == state)

        await until(look, f"{app}/{name} to be {state}")


@asynccontextmanager
async def platform(nodes: int) -> AsyncIterator[Platform]:
    """So many nodes, each with room for 512 pods of one unit. What either keeps is kept in the same place."""
    place = tempfile.TemporaryDirectory(dir=memory())
    with cluster(PORTS) as kubernetes, kubernetes.client() as client, place as name:
        for number in range(1, nodes):
            kubernetes.add_node(f"more-{number}", "64Gi")
        folder = Path(name)
        (folder / "repo").mkdir()
        async with Stack(folder / "stack", folder / "repo", config=str(_config(folder, kubernetes))) as stack:
            headers = {"Authorization": f"Bearer {stack.token}"}
            async with aiohttp.ClientSession(stack.url, headers=headers) as session:
                yield Platform(stack, session, CoreV1Api(client))


def watches(core: CoreV1Api) -> dict[str, int]:
    """How many of each kind the API server has now. One of objects of a single name it counts as a GET that lasts."""
    client = core.api_client
    asked = client.param_serialize("GET", "/metrics", auth_settings=["BearerToken"])
    said = client.call_api(*asked[:3]).response.data.decode()
    found: dict[str, int] = {}
    for line in said.splitlines():
        if line.startswith("apiserver_longrunning") and 'subresource=""' in line:
            kind = line.split('resource="')[1].split('"')[0]
            found[kind] = found.get(kind, 0) + int(float(line.rsplit(" ", 1)[1]))
    return found


def _config(folder: Path, kubernetes: Cluster) -> Path:
    file = folder / "controller.toml"
    known = {"name": "main", "kubeconfig": str(kubernetes.kubeconfig()), "ports": f"{PORTS[0]}-{PORTS[-1]}"}
    file.write_text("[[clusters]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in known.items()))
    return file
