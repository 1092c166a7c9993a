"""Who may follow logs, how many, and what is said where there is none."""

from contextlib import ExitStack
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from paas_controller.base.errors import Conflict, NotFound, PaasError, Retryable
from paas_controller.caas.app import App
from paas_controller.caas.cluster.refusals import Status, refusal
from paas_controller.caas.clusters import Clusters
from paas_controller.caas.reading import OF_TENANT, Reading
from tests.controller.caas.cluster_of import pod
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
