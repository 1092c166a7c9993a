"""Who may follow logs, how many, and what is said where there is none."""

import asyncio
from contextlib import ExitStack
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from paas_controller.base.errors import Conflict, NotFound, PaasError, Retryable
from paas_controller.caas.app import App
from paas_controller.caas.cluster import client
from paas_controller.caas.cluster.refusals import Status, refusal
from paas_controller.caas.clusters import Clusters
from paas_controller.caas.reading import OF_TENANT, Reading
from tests.controller.caas.cluster_of import pod
from tests.controller.caas.conftest import Portal, component
from tests.controller.shell import Clock

SHOP = App(1, "app", "shop", "acme", "main", "app-shop", "standard", 5, 3, "there", 0.0)


def test_a_tenant_leaves_logs_for_others_to_follow() -> None:
    reading = Reading(Clusters([], Clock(), Random(1)))
    with ExitStack() as following:
        for _ in range(OF_TENANT):
            following.enter_context(reading.follower(SHOP, "acme"))
        with pytest.raises(Retryable) as refused:
            following.enter_context(reading.follower(SHOP, "acme"))
        assert refused.value.message == (
            "acme follows 16 logs of the cluster main already, and no tenant follows more: end one"
        )
        for other in ("bolt", "core", "dent"):
            for _ in range(OF_TENANT):
                following.enter_context(reading.follower(SHOP, other))
        with pytest.raises(Retryable) as refused:
            following.enter_context(reading.follower(SHOP, ""))
        assert refused.value.message == (
            "64 logs of the cluster main are followed already, and it takes no more: try again later"
        )
    with reading.follower(SHOP, "acme"):
        pass  # all are free again


async def test_events_are_found_among_many_and_those_of_a_former_one_of_its_name_are_not(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_PIECE", 2)
    await portal.create(units=2)
    for image in ("no-such-image:1", "web:1"):
        await portal.put_in("web", component(image=image))
        await portal.becomes("web", "web", "running" if image == "web:1" else "failing")
        told = (await portal.call("GET", "/instances/web/events")).body["items"]
        assert "ReplicationController/web-web" in {each["about"] for each in told}
        failed = [each for each in told if "no-such-image" in each["message"]]
        assert bool(failed) == (image == "no-such-image:1")
        await portal.call("DELETE", "/instances/web")
        await portal.is_gone("/instances/web")
        await asyncio.sleep(1)  # the cluster's clock has whole seconds


@pytest.mark.parametrize(
    ("container", "said", "kind", "sentence"),
    [
        ("nope", "container nope is not valid for pod web-x", NotFound, "the pod shop-web-x has no container nope"),
        ("", "a container name must be specified for pod web-x, choose one of: [a b]", Conflict,
         "the pod shop-web-x has several containers; name one: a, b"),
        ("", 'container "a" in pod "web-x" is waiting to start: ContainerCreating', NotFound,
         'the pod shop-web-x has no log: container "a" in pod "web-x" is waiting to start: ContainerCreating'),
    ],
    ids=["unknown", "several", "not yet"],
)  # fmt: skip
async def test_why_there_is_no_log_is_said_in_words(
    container: str, said: str, kind: type[PaasError], sentence: str
) -> None:
    async def text(*_: Any) -> str:
        raise refusal("main", Status(400, said))

    clusters: Any = SimpleNamespace(site=lambda _: SimpleNamespace(client=SimpleNamespace(text=text)))
    with pytest.raises(kind) as refused:
        await Reading(clusters).log(SHOP, pod("web"), 10, container)
    assert refused.value.message == sentence
