"""Who comes first among those who tell: lists, watches, and answers to writes."""

from paas_controller.caas.cluster import parsing
from paas_controller.caas.cluster.objects import Pod
from paas_controller.caas.cluster.shelf import Change, Shelf
from tests.controller.caas.cluster.raws import pod

ONE = [Change("shop", "i1")]


def shelf() -> Shelf[Pod]:
    return Shelf(parsing.pod, lambda found: found.instance)


def phases(of: Shelf[Pod]) -> dict[str, str]:
    return {one.name: one.phase for one in of.of("shop")}


def test_what_was_answered_to_a_write_is_there_before_the_watch_tells() -> None:
    pods = shelf()
    pods.replace([], 5)
    assert pods.put(pod(version=7)) == ONE
    assert phases(pods) == {"web-1": "running"}
    assert pods.hear(pod(version=7)) == []


def test_older_news_of_the_watch_do_not_take_back_a_later_answer() -> None:
    pods = shelf()
    pods.replace([pod(version=5, phase="Pending")], 5)
    pods.put(pod(version=9))
    assert pods.hear(pod(version=7, phase="Failed")) == []
    assert pods.hear(pod(version=8), gone=True) == []
    assert phases(pods) == {"web-1": "running"}


def test_an_answer_that_comes_late_does_not_bring_back_what_is_gone() -> None:
    pods = shelf()
    pods.replace([], 5)
    pods.hear(pod(version=7))
    assert pods.hear(pod(version=9), gone=True) == ONE
    assert pods.put(pod(version=7)) == []
    assert phases(pods) == {}


def test_an_answer_that_is_older_than_the_list_says_nothing_new() -> None:
    pods = shelf()
    pods.replace([], 9)
    assert pods.put(pod(version=7)) == []


def test_a_bookmark_counts_as_much_as_news() -> None:
    pods = shelf()
    pods.replace([], 5)
    pods.pass_by(8)
    assert pods.put(pod(version=7)) == []


def test_a_list_tells_what_differs_from_what_was_known() -> None:
    pods = shelf()
    pods.replace([pod("same", 1), pod("other", 2, "i2"), pod("gone", 3, "i3")], 5)
    changes = pods.replace([pod("same", 1), pod("other", 8, "i2", phase="Failed"), pod("new", 7, "i4")], 9)
    assert changes == [Change("shop", "i2"), Change("shop", "i4"), Change("shop", "i3")]
    assert phases(pods) == {"same": "running", "other": "failed", "new": "running"}


def test_a_list_does_not_drop_what_was_made_after_it() -> None:
    pods = shelf()
    pods.replace([], 5)
    pods.put(pod(version=11))
    assert pods.replace([], 9) == []
    assert phases(pods) == {"web-1": "running"}


def test_a_cluster_that_was_put_back_to_an_earlier_state_is_believed() -> None:
    pods = shelf()
    pods.replace([pod("a", 90), pod("b", 95)], 100)
    pods.replace([pod("a", 40, phase="Failed")], 50)
    assert phases(pods) == {"a": "failed"}
    assert pods.put(pod("c", 51)) == ONE


def test_what_changes_nothing_that_we_know_is_no_change() -> None:
    pods = shelf()
    pods.replace([pod(version=1)], 1)
    turns = pods.turns
    assert pods.hear(pod(version=2, hostIP="10.0.0.9")) == []
    assert pods.turns == turns


def test_a_pod_that_goes_to_another_instance_changes_both() -> None:
    pods = shelf()
    pods.replace([pod(version=1)], 1)
    assert pods.hear(pod(version=2, instance="i2")) == [Change("shop", "i1"), Change("shop", "i2")]
    assert [[one.name for one in pods.of("shop", group)] for group in ("i1", "i2")] == [[], ["web-1"]]


def test_what_is_empty_is_forgotten() -> None:
    pods = shelf()
    pods.replace([pod(version=1)], 1)
    pods.hear(pod(version=2), gone=True)
    assert (list(pods.all()), pods.of("shop"), pods.of("shop", "i1")) == ([], [], [])
