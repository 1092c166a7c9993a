"""Who may follow logs, and how many."""

from contextlib import ExitStack
from random import Random

import pytest

from paas_controller.base.errors import Retryable
from paas_controller.caas.apps import App
from paas_controller.caas.clusters import Clusters
from paas_controller.caas.reading import OF_TENANT, Reading
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
