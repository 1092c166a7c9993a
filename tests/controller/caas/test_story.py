"""What becomes of components is told: a row for each change of state, in time."""

import asyncio
import time
from itertools import pairwise
from statistics import median
from typing import Any

from kubernetes.client import CoreV1Api

from tests.controller.caas.conftest import Portal, component
from tests.controller.caas.test_caas import body
from tests.controller.caas.test_events import listening
from tests.controller.shell import Shell

_TRIES = 7


async def told_until(portal: Portal, name: str, last: str, times: int = 1) -> list[tuple[str, str, str]]:
    """From, to and why of each change of a component, until it is so; of several, until so many times one is."""
    kind = "app" if portal.kind == "apps" else "caas"
    told = []
    async with listening(portal, portal.shell.token, f"?kind={kind}&name={portal.app}/{name}") as changes:
        async for change in changes:
            assert change["sentence"]
            told.append((change["from"], change["to"], change["cause"]))
            times -= change["to"] == last
            if not times:
                return told
    raise AssertionError


async def test_each_change_of_state_is_told_once(portal: Portal, platform: Shell) -> None:
    await portal.create(units=1)
    await portal.put_in("first", component())
    await portal.becomes("first", "web", "running")
    await portal.put_in("late", component())
    await portal.becomes("late", "web", "waiting")
    await platform.restart()
    await portal.call("PUT", "/instances/first/stopped")
    await portal.becomes("late", "web", "running")
    await portal.call("PUT", "/instances/late/stopped")
    told = await told_until(portal, "late", "stopped")
    states = [state for _, state, _ in told]
    assert (told[0][0], states[0], states[-3:]) == ("", "waiting", ["running", "stopping", "stopped"])
    assert [before for before, _, _ in told[1:]] == states[:-1]
    assert all(one[1:] != other[1:] for one, other in pairwise(told))


async def test_what_changes_while_no_controller_runs_is_told_afterwards(portal: Portal, platform: Shell) -> None:
    namespace = (await portal.create()).body["namespace"]
    await portal.put_in("web", component())
    before = await told_until(portal, "web", "running")
    await platform.stop()
    with portal.cluster.client() as client:
        CoreV1Api(client).delete_namespaced_replication_controller("web-web", namespace)
    await platform.start()
    assert await told_until(portal, "web", "unknow") == [*before, ("running", "unknow", "gone")]


async def test_the_end_of_an_instance_is_told_as_well(portal: Portal) -> None:
    await portal.create()
    for _ in range(2):
        await portal.put_in("web", component(), component("db"))
        for name in ("web", "db"):
            await portal.becomes("web", name, "running")
        await portal.call("DELETE", "/instances/web")
        await portal.is_gone("/instances/web")
    told = await told_until(portal, "web", "gone", 4)
    assert [(before, state, cause) for before, state, cause in told if state == "gone"] == [
        ("running", "gone", "deleted")
    ] * 4
    assert sum(before == "" for before, _, _ in told) == 4


async def test_the_end_of_an_app_is_the_end_of_its_instances(portal: Portal) -> None:
    await portal.create()
    await portal.put_in("web", component())
    await portal.becomes("web", "web", "running")
    await portal.call("DELETE")
    await portal.is_gone("")
    assert (await told_until(portal, "web", "gone"))[-1] == ("running", "gone", "deleted")


async def test_of_single_containers_as_well(caas: Portal) -> None:
    await caas.create()
    await caas.call("POST", "/instances", body("one"))
    assert (await told_until(caas, "one", "running"))[-1][1:] == ("running", "running")


async def test_a_change_in_the_cluster_is_told_within_a_tenth_of_a_second(portal: Portal) -> None:
    namespace = (await portal.create()).body["namespace"]
    await portal.put_in("web", component())
    await portal.becomes("web", "web", "running")
    [pod] = (await portal.call("GET", "/instances/web/pods")).body["items"]
    took = []
    with portal.cluster.client() as client:
        core = CoreV1Api(client)
        async with listening(portal, portal.shell.token, f"?kind=app&name={portal.app}/web") as changes:
            async for change in changes:
                if change["to"] == "running":
                    break
            for number in range(_TRIES):
                image = {"waiting": {"reason": "ImagePullBackOff", "message": f"try {number}"}}
                state = image if number % 2 == 0 else {"waiting": {"reason": "CreateContainerError", "message": "no"}}
                status: Any = {"containerStatuses": [_container(state)], "conditions": [_ready("False")]}
                await asyncio.to_thread(core.patch_namespaced_pod_status, pod["name"], namespace, {"status": status})
                written = time.monotonic()
                while (await anext(changes))["cause"] != ("image" if number % 2 == 0 else "container"):
                    pass
                took.append(time.monotonic() - written)
    assert median(took) <= 0.1


def _container(state: dict[str, Any]) -> dict[str, Any]:
    return {"name": "web", "image": "web:1", "imageID": "", "ready": False, "restartCount": 0, "state": state}


def _ready(status: str) -> dict[str, Any]:
    return {"type": "Ready", "status": status}
