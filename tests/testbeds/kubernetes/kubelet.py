"""A stand-in for the kubelets of all nodes: `python -m tests.testbeds.kubernetes.kubelet FOLDER PORT`.

It gives each pod on a node the status that its image asks for, tells of trouble by an event, ends the pods that are
deleted, and serves their logs on the port where the API server asks for them.
"""

import asyncio
import itertools
import json
import ssl
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from tests.testbeds.kubernetes import pods
from tests.testbeds.kubernetes.pods import Pod

_AGAIN = 0.1
_LINE_EACH = 0.1
_MERGE = {"Content-Type": "application/merge-patch+json"}


class Kubelet:
    """What it knows of the cluster is what it is told by its watch."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._addresses = (
            f"10.{a}.{b}.{c}" for a, b, c in itertools.product(range(128, 256), range(256), range(1, 255))
        )
        self._started: set[str] = set()

    async def run(self) -> None:
        """Goes on for ever, whatever the API server does meanwhile."""
        while True:
            with suppress(aiohttp.ClientError, TimeoutError):
                await self._follow()
            await asyncio.sleep(_AGAIN)

    async def _follow(self) -> None:
        on_a_node = "/api/v1/pods?fieldSelector=spec.nodeName!="
        async with self._session.get(on_a_node) as answer:
            found = await answer.json()
        for pod in found["items"]:
            await self._see(pod)
        version = found["metadata"]["resourceVersion"]
        async with self._session.get(f"{on_a_node}&watch=true&resourceVersion={version}") as changes:
            async for line in changes.content:
                change = json.loads(line)
                if change["type"] in ("ADDED", "MODIFIED"):
                    await self._see(change["object"])
                elif change["type"] == "ERROR":
                    return

    async def _see(self, pod: Pod) -> None:
        """A pod that is gone or has changed meanwhile is no error: the watch tells of it."""
        about = pod["metadata"]
        path = f"/api/v1/namespaces/{about['namespace']}/pods/{about['name']}"
        with suppress(aiohttp.ClientResponseError):
            if "deletionTimestamp" in about:
                if not pods.stays(pod):
                    await self._session.delete(path, json={"gracePeriodSeconds": 0})
            elif about["uid"] not in self._started:
                self._started.add(about["uid"])
                status = pods.status(pod, next(self._addresses), now())
                await self._session.patch(f"{path}/status", json={"status": status}, headers=_MERGE)
                await self._tell(pod)

    async def _tell(self, pod: Pod) -> None:
        about, trouble = pod["metadata"], pods.trouble(pod)
        reason, message = trouble or ("Started", "Started containers")
        event = {
            "metadata": {"generateName": f"{about['name']}.", "namespace": about["namespace"]},
            "involvedObject": {"kind": "Pod", "apiVersion": "v1"} | {k: about[k] for k in ("name", "namespace", "uid")},
            "type": "Warning" if trouble else "Normal",
            "reason": reason,
            "message": message,
            "source": {"component": "kubelet", "host": pod["spec"]["nodeName"]},
            "firstTimestamp": now(),
            "lastTimestamp": now(),
            "count": 1,
        }
        await self._session.post(f"/api/v1/namespaces/{about['namespace']}/events", json=event)

    async def logs(self, request: web.Request) -> web.StreamResponse:
        """Three lines, and with `follow` one more from time to time, until nobody reads them."""
        container, asked = request.match_info["container"], request.query
        lines = [f"{container} line {number}" for number in range(1, 4)]
        if "tailLines" in asked:
            lines = lines[len(lines) - min(int(asked["tailLines"]), len(lines)) :]
        answer = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await answer.prepare(request)
        await answer.write("".join(f"{line}\n" for line in lines).encode())
        for number in itertools.count(4) if asked.get("follow") == "true" else ():
            await asyncio.sleep(_LINE_EACH)
            await answer.write(f"{container} line {number}\n".encode())
        return answer


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def session_for(kubeconfig: dict[str, Any]) -> aiohttp.ClientSession:
    cluster, token = kubeconfig["clusters"][0]["cluster"], kubeconfig["users"][0]["user"]["token"]
    context = ssl.create_default_context(cafile=cluster["certificate-authority"])
    return aiohttp.ClientSession(
        cluster["server"], headers={"Authorization": f"Bearer {token}"}, raise_for_status=True, read_bufsize=1 << 24,
        connector=aiohttp.TCPConnector(ssl=context), timeout=aiohttp.ClientTimeout(total=None, sock_connect=5),
    )  # fmt: skip


async def main(folder: Path, port: int) -> None:
    kubeconfig = json.loads((folder / "admin.kubeconfig").read_text())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    async with session_for(kubeconfig) as session:
        kubelet = Kubelet(session)
        app = web.Application()
        app.router.add_get("/containerLogs/{namespace}/{pod}/{container}", kubelet.logs)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context).start()
        await kubelet.run()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
