"""From a pod to the event stream, and by how many watches."""

import asyncio
import statistics
import time
from functools import partial

import aiohttp

from bench.platform import AT_REST, Platform, watches
from bench.result import Result, percentile, spread, thirds
from paas_controller.web.routing import API

CHANGES = 100
KINDS = ("pods", "replicationcontrollers", "services", "resourcequotas", "limitranges", "namespaces", "events")
_NEVER_READY = "never-ready:1"


async def told(here: Platform) -> Result:
    """From the call that changes a pod's status until the stream has told what became of its component."""
    await here.create_app("told")
    await here.create_instance("told", "slow", _NEVER_READY)
    await here.becomes("told", "slow", "starting")
    took = []
    async with here.session.get(f"{API}/events", timeout=aiohttp.ClientTimeout(total=None)) as stream:
        [pod] = (await here.ask("GET", "/apps/told/instances/slow/pods"))["items"]
        for number in range(CHANGES):
            await asyncio.sleep(AT_REST)
            change = partial(_change, here, pod["name"], broken=number % 2 == 0)
            began = time.perf_counter()
            await asyncio.to_thread(change)
            await _heard(stream, "told/slow")
            took.append(time.perf_counter() - began)
    p50, p99 = statistics.median(took), percentile(took, 0.99)
    return Result("apps-stream", 12, "from a pod's status to the event stream, p99", p99 * 1e3, "ms",
                  spread(thirds(took)), "a tenth of a second", 100.0, p99 / 0.1, "≤ 100 ms", p99 <= 0.1,
                  more={"p50 ms": p50 * 1e3})  # fmt: skip


def _change(here: Platform, pod: str, *, broken: bool) -> None:
    """Says of the pod what a kubelet would: that its image cannot be pulled, or that it runs and is not ready."""
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}}
    said = {
        "name": "c0", "image": _NEVER_READY, "imageID": "", "ready": False, "restartCount": 0,
        "state": waiting if broken else {"running": {}},
    }  # fmt: skip
    here.core.patch_namespaced_pod_status(pod, "app-told", {"status": {"containerStatuses": [said]}})


async def _heard(stream: aiohttp.ClientResponse, name: str) -> None:
    """Reads on until there is a change of this instance."""
    async for line in stream.content:
        if line.startswith(b"data:") and name.encode() in line:
            return
    raise AssertionError("the stream has ended")


async def watched(here: Platform) -> Result:
    """The watches that are gone with the controller, which this kills."""
    held = await _usual(here)
    here.stack.controller.kill()
    await asyncio.sleep(1)
    others = await _usual(here)
    counts = {kind: float(held[kind] - others[kind]) for kind in KINDS}
    most = max(counts.values())
    return Result("apps-watches", 12, "watches at the API server, of each of seven kinds", most, "", 0.0, "one", 1.0,
                  most, "= 1", set(counts.values()) == {1.0}, more=counts)  # fmt: skip


async def _usual(here: Platform) -> dict[str, int]:
    """Of several looks: a watch that has come to its time begins anew, and is missing for a moment."""
    seen = []
    for _ in range(20):
        await asyncio.sleep(AT_REST)
        seen.append(watches(here.core))
    return {kind: statistics.mode(each.get(kind, 0) for each in seen) for kind in KINDS}
