"""Measure 12: apps on Kubernetes: beside the bare client, and as they become many."""

import asyncio
import itertools
import statistics
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from bench.platform import AT_REST, Platform, platform
from bench.result import Result, percentile, spread, thirds
from bench.stream import told, watched
from paas_controller.caas import manifests
from paas_controller.caas.cluster.objects import Port
from paas_controller.caas.component import Component, Own
from paas_controller.caas.words import INSTANCE

TURNS = 30
COMPONENTS = 3
"""Of an instance as portals make them; each has an RC and a Service."""
SIZES = (100, 300, 1000)
"""Instances, ten in an app."""
IN_AN_APP = 10
IN_A_PAGE = 10
ASKED = 400
_CALLS = "the same calls by the bare client"
_Turns = list[tuple[float, float]]
"""Seconds of ours and of the yardstick's; one of each in turn, so that a noisy moment hits them alike."""


async def measure() -> list[Result]:
    async with platform(nodes=3) as here:
        created = {many: await _creations(here, many) for many in (1, COMPONENTS)}
        shown = [await _shown(here, number) for number in range(TURNS)]
        news = await told(here)
        lists, usages, apps = dict[int, _Turns](), dict[int, _Turns](), dict[int, list[float]]()
        for size in SIZES:
            await _grow(here, size)
            lists[size] = await _asked(here, size, "/instances")
            usages[size] = await _asked(here, size, "/usage")
            apps[size] = await _seconds(partial(here.ask, "GET", f"/apps?limit={IN_A_PAGE}"), ASKED // 10)
        held = await watched(here)
    return [
        _beside("apps-create", f"an instance of {COMPONENTS} components created", created[COMPONENTS], _CALLS),
        _beside("apps-create-one", "an instance of one component created", created[1], _CALLS),
        _beside("apps-status", "an instance shown", shown, "GET of RC and pods by the bare client"),
        _growth("apps-list", "instances of an app listed, p50", lists, apps),
        _growth("apps-usage", "usage of an app, p50", usages, {}),
        held,
        news,
    ]


def _beside(name: str, what: str, turns: _Turns, yardstick: str) -> Result:
    """Without the first turns, which warm up."""
    ours, bare = zip(*turns[3:], strict=True)
    value, other = statistics.median(ours), statistics.median(bare)
    more = {"p99 ms": percentile(ours, 0.99) * 1e3, "bare p99 ms": percentile(bare, 0.99) * 1e3}
    return Result(name, 12, what, value * 1e3, "ms", spread(thirds(ours)), yardstick, other * 1e3, value / other,
                  "≤ 1.2 ×", value / other <= 1.2, more=more)  # fmt: skip


def _growth(name: str, what: str, took: dict[int, _Turns], apps: dict[int, list[float]]) -> Result:
    """The most against the fewest instances, each beside an answer that knows of none; `apps` are those of a page of
    the list of apps.
    """
    ours = {size: [one for one, _ in turns] for size, turns in took.items()}
    pings = {size: statistics.median(ping for _, ping in turns) * 1e3 for size, turns in took.items()}
    sizes = {size: statistics.median(each) * 1e3 for size, each in ours.items()}
    fewest, most = SIZES[0], SIZES[-1]
    ratio = (sizes[most] / pings[most]) / (sizes[fewest] / pings[fewest])
    more = {f"p99 ms at {size}": percentile(each, 0.99) * 1e3 for size, each in ours.items()}
    more |= {f"/ping ms at {size}": ping for size, ping in pings.items()}
    more |= {f"{IN_A_PAGE} apps listed at {size}, ms": statistics.median(each) * 1e3 for size, each in apps.items()}
    return Result(name, 12, f"{what}, {most:,} instances", sizes[most], "ms", spread(thirds(ours[most])),
                  f"{fewest} instances, each beside /ping", sizes[fewest], ratio, "≤ 1.2 ×", ratio <= 1.2, sizes,
                  "instances", more)  # fmt: skip


async def _creations(here: Platform, components: int) -> _Turns:
    """Ours and the bare client's; what was made before runs by then."""
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


async def _asked(here: Platform, size: int, what: str) -> _Turns:
    """Of each app."""
    names = itertools.cycle(range(size // IN_AN_APP))
    turns = []
    for _ in range(ASKED):
        ours = await _timed(partial(here.ask, "GET", f"/apps/app{next(names)}{what}"))
        turns.append((ours, await _timed(here.ping)))
    return turns


async def _seconds(call: Callable[[], Awaitable[Any]], times: int) -> list[float]:
    return [await _timed(call) for _ in range(times)]


async def _timed(call: Callable[[], Awaitable[Any]]) -> float:
    began = time.perf_counter()
    await call()
    return time.perf_counter() - began
