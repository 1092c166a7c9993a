"""Measure 12: apps on Kubernetes: beside the bare client, as they become many, and from a pod to the event stream."""

import asyncio
import itertools
import statistics
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import aiohttp

from bench.platform import Platform, platform, watches
from bench.result import Result, percentile, spread, thirds
from paas_controller.caas import manifests
from paas_controller.caas.cluster.objects import Port
from paas_controller.caas.component import Component, Own
from paas_controller.caas.words import INSTANCE
from paas_controller.web.routing import API

TURNS, CHANGES = 30, 100
COMPONENTS = 3
"""Of an instance as portals make them; each has an RC and a Service."""
AT_REST = 0.1
"""Seconds before each turn: pods that were just made keep the machine busy."""
SIZES = (100, 300, 1000)
"""Instances, ten in an app."""
IN_AN_APP = 10
ASKED = 400
KINDS = ("pods", "replicationcontrollers", "services", "resourcequotas", "namespaces", "events")
_CALLS = "the same calls by the bare client"
_NEVER_READY = "never-ready:1"
_Turns = list[tuple[float, float]]
"""Seconds of ours and of the yardstick's."""


async def measure() -> list[Result]:
    async with platform(nodes=3) as here:
        created = {many: await _creations(here, many) for many in (1, COMPONENTS)}
        shown = [await _shown(here, number) for number in range(TURNS)]
        told = await _told(here)
        lists, usages, apps = {}, {}, {}
        for size in SIZES:
            await _grow(here, size)
            lists[size] = await _asked(here, size, "/instances")
            usages[size] = await _asked(here, size, "/usage")
            apps[size] = await _seconds(partial(here.ask, "GET", "/apps"), ASKED // 10)
        watched = await _watches(here)
    return [
        _beside("apps-create", f"an instance of {COMPONENTS} components created", created[COMPONENTS], _CALLS),
        _beside("apps-create-one", "an instance of one component created", created[1], _CALLS),
        _beside("apps-status", "an instance shown", shown, "GET of RC and pods by the bare client"),
        _growth("apps-list", "instances of an app listed, p50", lists, apps),
        _growth("apps-usage", "usage of an app, p50", usages, {}),
        watched,
        told,
    ]


def _beside(name: str, what: str, turns: _Turns, yardstick: str) -> Result:
    """Without the first turns, which warm up."""
    ours, bare = zip(*turns[3:], strict=True)
    value, other = statistics.median(ours), statistics.median(bare)
    more = {"p99 ms": percentile(ours, 0.99) * 1e3, "bare p99 ms": percentile(bare, 0.99) * 1e3}
    return Result(name, 12, what, value * 1e3, "ms", spread(thirds(ours)), yardstick, other * 1e3, value / other,
                  "≤ 1.2 ×", value / other <= 1.2, more=more)  # fmt: skip


def _growth(name: str, what: str, took: dict[int, list[float]], apps: dict[int, list[float]]) -> Result:
    """The most against the fewest instances; `apps` are those of the list of all apps."""
    sizes = {size: statistics.median(each) * 1e3 for size, each in took.items()}
    fewest, most = sizes[SIZES[0]], sizes[SIZES[-1]]
    more = {f"p99 ms at {size}": percentile(each, 0.99) * 1e3 for size, each in took.items()}
    more |= {f"all apps listed at {size}, ms": statistics.median(each) * 1e3 for size, each in apps.items()}
    return Result(name, 12, f"{what}, {SIZES[-1]:,} instances", most, "ms", spread(thirds(took[SIZES[-1]])),
                  f"{SIZES[0]} instances", fewest, most / fewest, "≤ 1.2 ×", most / fewest <= 1.2, sizes, "instances",
                  more)  # fmt: skip


async def _creations(here: Platform, components: int) -> _Turns:
    """Ours and the bare client's in turn, so that a noisy moment hits them alike; what was made before runs by then."""
    turns = []
    for number in range(TURNS):
        app = f"beside{components}-{number // IN_AN_APP}"
        if number % IN_AN_APP == 0:
            await here.create_app(app)
        made = [_made(app, number, component) for component in range(components)]
        await asyncio.sleep(AT_REST)
        ours = await _timed(partial(here.create_instance, app, f"i{number}", components=components))
        await here.are(app, "running")
        await asyncio.sleep(AT_REST)
        began = time.perf_counter()
        for service, controller in made:
            here.core.create_namespaced_service(f"app-{app}", service)
            here.core.create_namespaced_replication_controller(f"app-{app}", controller)
        turns.append((ours, time.perf_counter() - began))
        await asyncio.sleep(AT_REST)
    return turns


def _made(app: str, number: int, component: int) -> tuple[Any, Any]:
    """A Service and an RC as the controller makes them; the Service takes what node port there is."""
    own = Own(f"app-{app}", f"bare{number}-c{component}", f"bare{number}", f"c{component}", f"bare{number}")
    controller = manifests.component(own, Component(f"c{component}", "web:1", ports=(80,)), {})
    return manifests.service(own, (Port(80, 80),), {}), controller


async def _shown(here: Platform, number: int) -> tuple[float, float]:
    app = f"beside1-{number // IN_AN_APP}"
    ours = await _timed(partial(here.ask, "GET", f"/apps/{app}/instances/i{number}"))
    began = time.perf_counter()
    here.core.read_namespaced_replication_controller(f"bare{number}-c0", f"app-{app}")
    here.core.list_namespaced_pod(f"app-{app}", label_selector=f"{INSTANCE}=bare{number}")
    return ours, time.perf_counter() - began


async def _watches(here: Platform) -> Result:
    """Those that are gone with the controller."""
    held = await _usual(here)
    here.stack.controller.kill()
    await asyncio.sleep(1)
    others = await _usual(here)
    counts = {kind: float(held[kind] - others[kind]) for kind in KINDS}
    most = max(counts.values())
    return Result("apps-watches", 12, "watches at the API server, of each of six kinds", most, "", 0.0, "one", 1.0,
                  most, "= 1", set(counts.values()) == {1.0}, more=counts)  # fmt: skip


async def _usual(here: Platform) -> dict[str, int]:
    """Of several looks: a watch that has come to its time begins anew, and is missing for a moment."""
    seen = []
    for _ in range(20):
        await asyncio.sleep(AT_REST)
        seen.append(watches(here.core))
    return {kind: statistics.mode(each.get(kind, 0) for each in seen) for kind in KINDS}


async def _told(here: Platform) -> Result:
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


async def _grow(here: Platform, size: int) -> None:
    """Until there are so many instances, all of them running."""
    gate = asyncio.Semaphore(8)

    async def fill(number: int) -> None:
        async with gate:
            await here.create_app(f"app{number}")
            for each in range(IN_AN_APP):
                await here.create_instance(f"app{number}", f"i{each}")

    known = sum(app["name"].startswith("app") for app in (await here.ask("GET", "/apps"))["items"])
    new = range(known, size // IN_AN_APP)
    await asyncio.gather(*map(fill, new))
    for number in new:
        await here.are(f"app{number}", "running")


async def _asked(here: Platform, size: int, what: str) -> list[float]:
    """Each app in turn."""
    names = itertools.cycle(range(size // IN_AN_APP))
    return await _seconds(lambda: here.ask("GET", f"/apps/app{next(names)}{what}"), ASKED)


async def _seconds(call: Callable[[], Awaitable[Any]], times: int) -> list[float]:
    return [await _timed(call) for _ in range(times)]


async def _timed(call: Callable[[], Awaitable[Any]]) -> float:
    began = time.perf_counter()
    await call()
    return time.perf_counter() - began
