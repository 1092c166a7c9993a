"""What a mirror says of a cluster, whatever told it."""

import pytest

from paas_controller.base.errors import Retryable
from paas_controller.caas.cluster.mirror import Mirror
from paas_controller.caas.words import APP
from tests.controller.caas.cluster.raws import controller, pod, service, warning
from tests.controller.shell import Clock

KINDS = ("pod", "controller", "service", "quota", "limits", "namespace", "happening")


class Told:
    def __init__(self) -> None:
        self.changes: list[tuple[str, str, str]] = []
        self.clock = Clock()
        self.mirror = Mirror("east", self.clock, lambda *change: self.changes.append(change))


@pytest.fixture
def told() -> Told:
    return Told()


async def test_it_is_fresh_when_every_kind_was_read(told: Told) -> None:
    for kind in KINDS[:-1]:
        told.mirror.replace(kind, [], 1)
    with pytest.raises(Retryable, match=r"^the cluster east has not been read yet: it takes longer than usual$"):
        await told.mirror.ready(0.01)
    told.mirror.replace(KINDS[-1], [], 1)
    await told.mirror.ready(0.01)
    assert told.mirror.fresh


def test_when_the_last_kind_was_read_each_namespace_is_told_of_once_more(told: Told) -> None:
    shop = {"kind": "Namespace", "metadata": {"name": "shop", "resourceVersion": "1", "labels": {APP: "app.shop"}}}
    for kind in KINDS:
        told.mirror.replace(kind, [shop] if kind == "namespace" else [], 1)
    assert told.changes == 2 * [("namespace", "shop", "")]
    told.mirror.replace("happening", [], 2)
    assert len(told.changes) == 2


def test_it_is_stale_since_the_first_kind_broke_until_the_last_is_mended(told: Told) -> None:
    told.mirror.broken("pod", "gone")
    since = told.clock.now
    told.clock.now += 60
    told.mirror.broken("pod", "still gone")
    told.mirror.broken("service", "gone as well")
    assert (told.mirror.stale_since, told.mirror.trouble) == (since, "still gone")
    told.mirror.mended("pod")
    assert told.mirror.stale_since == since + 60
    told.mirror.mended("service")
    assert (told.mirror.stale_since, told.mirror.trouble) == (None, "")


def test_an_answer_is_told_once_and_the_watch_adds_nothing(told: Told) -> None:
    told.mirror.put(pod(version=3))
    told.mirror.hear("pod", pod(version=3))
    assert told.changes == [("pod", "shop", "i1")]


def test_an_answer_that_is_no_object_of_ours_is_passed_over(told: Told) -> None:
    told.mirror.put({"kind": "Status", "status": "Success"})
    told.mirror.put({"kind": "LimitRange", "metadata": {"name": "unit", "namespace": "shop"}})
    assert told.changes == []


def test_a_warning_is_about_the_instance_of_its_controller(told: Told) -> None:
    told.mirror.hear("controller", controller("web", 1))
    told.mirror.hear("happening", warning("web", 2))
    told.mirror.hear("happening", warning("unknown", 3))
    assert told.changes[1:] == [("happening", "shop", "i1"), ("happening", "shop", "")]
    assert [one.message for one in told.mirror.happenings("shop", "web")] == ["exceeded quota"]


def test_node_ports_follow_the_services(told: Told) -> None:
    told.mirror.hear("service", service("web", 1, 30001))
    told.mirror.hear("service", service("web", 2, 30002, namespace="blog"))
    assert told.mirror.node_ports() == {30001: "shop/web", 30002: "blog/web"}
    told.mirror.hear("service", service("web", 3, 30003))
    assert told.mirror.node_ports() == {30003: "shop/web", 30002: "blog/web"}
    told.mirror.hear("service", service("web", 4, 30003), gone=True)
    assert told.mirror.node_ports() == {30002: "blog/web"}
