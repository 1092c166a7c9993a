import re
from collections.abc import Sequence
from typing import Any, get_args

import pytest

from paas_controller.caas.cluster.objects import Controller, Pod, Waiting
from paas_controller.caas.pool import account
from paas_controller.caas.reasons import CAUSES, Standing, State, standing, waiting_for_memory
from paas_controller.caas.words import UNIT
from tests.controller.caas.cluster_of import EXCEEDED, controller, happening, pending, pod, quota

FULL = account(quota(), [controller("web", 3), controller("db", 2)], [*[pod("web")] * 3, *[pod("db")] * 2])
ROOMY = account(quota(), [controller()], [])


def how(one: Controller, pods: Sequence[Pod] = (), pool: Any = ROOMY, happenings: Any = ()) -> tuple[State, str]:
    told = standing(one, pods, pool, happenings)
    assert told.state == CAUSES[told.cause].state
    return told.state, told.sentence


def crashed(pod_of: Waiting, **fields: Any) -> tuple[State, str]:
    return how(controller(), [pending(waiting=pod_of, **fields)])


def test_what_is_ready_runs() -> None:
    assert how(controller(ready=1), [pod()]) == ("running", "runs")


def test_what_has_no_replicas_is_stopped_once_its_pods_are_gone() -> None:
    assert how(controller(desired=0)) == ("stopped", "is stopped")
    assert how(controller(desired=0), [pod(leaving=True)]) == ("stopping", "is stopping: 1 of its pods is still there")
    both = how(controller(desired=0), [pod(leaving=True)] * 2)
    assert both == ("stopping", "is stopping: 2 of its pods are still there")


def test_what_is_being_deleted_is_stopping() -> None:
    assert how(controller(leaving=True)) == ("stopping", "is stopping")


def test_what_has_no_controller_is_not_known() -> None:
    assert standing(None, [], ROOMY).state == "unknow"


def test_the_quota_sentence_names_pool_in_use_and_asked() -> None:
    assert how(controller("sixth", failure=EXCEEDED), pool=FULL) == (
        "waiting",
        "waits for memory: asked 1 unit (128 MiB), "
        "the pool has 5 units (640 MiB) and 5 are in use (by shop/web 3, shop/db 2)",
    )


def test_the_quota_counts_before_what_pods_say() -> None:
    one = controller("web", 2, failure=EXCEEDED)
    assert how(one, [pending(waiting=Waiting("ErrImagePull"))], FULL)[0] == "waiting"


def test_what_will_not_fit_waits_before_the_cluster_has_said_so() -> None:
    ours = [controller(f"c{number}") for number in range(6)]
    pool = account(quota(), ours, [])
    assert [how(one, pool=pool)[0] for one in ours] == ["starting"] * 5 + ["waiting"]


def test_what_happened_counts_where_the_controller_says_nothing() -> None:
    ours = [controller("web", 6)]
    told = [happening("ReplicationController/shop-web", "FailedCreate", f"Error creating: {EXCEEDED}")]
    assert how(ours[0], pool=account(quota(used=5), ours, []), happenings=told)[0] == "waiting"


def test_what_happened_long_ago_does_not_count_when_there_is_room() -> None:
    told = [happening("ReplicationController/shop-web", "FailedCreate", f"Error creating: {EXCEEDED}")]
    assert how(controller(), happenings=told) == ("starting", "is starting")


def test_what_waits_although_there_is_room_is_told_to_start_soon() -> None:
    one = controller(failure=EXCEEDED)
    assert how(one, pool=account(quota(), [one], []))[1].endswith("; there is room now, it starts soon")


def test_what_asks_for_more_than_the_pool_is_told_that_it_never_starts() -> None:
    one = controller(memory=6 * UNIT, failure=EXCEEDED)
    told = how(one, pool=account(quota(), [one], []))[1]
    assert told == (
        "waits for memory that the pool will never have: asked 6 units (768 MiB), "
        "the pool has 5 units (640 MiB) and 0 are in use"
    )


def test_a_pool_that_is_not_known_is_told_in_the_clusters_words() -> None:
    state, told = how(controller(failure=EXCEEDED), pool=None)
    assert state == "waiting"
    assert told.endswith("limited: limits.memory=640Mi")


def test_the_sentence_can_be_asked_for_before_anything_is_made() -> None:
    assert waiting_for_memory(UNIT, FULL) == standing(controller("x", failure=EXCEEDED), [], FULL)


def test_a_pod_that_the_cluster_does_not_let_in_is_told() -> None:
    why = 'pods "shop-web-" is forbidden: violates PodSecurity "baseline:latest": hostPort'
    assert how(controller(failure=why)) == ("failing", f"the cluster lets no pod of it be made: {why}")


def test_a_pod_for_which_there_is_no_node_is_told() -> None:
    why = "0/3 nodes are available: 3 Insufficient memory."
    assert how(controller(), [pending(node="", unplaced=why)]) == ("unplaced", f"no node takes it: {why}")
    bound = pending(node="", unplaced=why, only_on="node-7")
    assert how(controller(), [bound]) == ("unplaced", f"no node takes it: it may run on node-7 alone: {why}")
    told = [happening("Pod/shop-web-x", "FailedScheduling", why)]
    assert how(controller(), [pending(node="")], happenings=told)[0] == "unplaced"


@pytest.mark.parametrize("reason", ["ErrImagePull", "ImagePullBackOff", "InvalidImageName"])
def test_an_image_that_cannot_be_pulled_is_named(reason: str) -> None:
    told = "its image nginx:1 cannot be pulled: not found"
    assert crashed(Waiting(reason, "not found")) == ("failing", told)


def test_a_crash_loop_is_told_with_the_last_exit_code() -> None:
    told = "ends again and again, last with exit code 137; restarts: 4"
    assert crashed(Waiting("CrashLoopBackOff", "back-off 40s", 137), restarts=4) == ("failing", told)


def test_a_container_that_cannot_be_made_is_told() -> None:
    told = 'its container cannot be made: secret "keys" not found'
    assert crashed(Waiting("CreateContainerConfigError", 'secret "keys" not found')) == ("failing", told)


def test_a_pod_that_was_evicted_is_told_until_another_one_is_there() -> None:
    gone = pod(phase="failed", ready=False, message="The node was low on resource: memory.")
    assert how(controller(), [gone]) == ("failing", "its pod ended: The node was low on resource: memory.")
    assert how(controller(), [gone, pending()]) == ("starting", "is starting")


def test_a_node_that_is_silent_is_told() -> None:
    assert how(controller(), [pod(phase="unknow", ready=False)]) == (
        "unknow",
        "its node has not been heard of: node-1",
    )


def test_what_runs_and_is_not_ready_is_starting() -> None:
    assert how(controller(), [pod(ready=False)]) == ("starting", "runs, but does not say yet that it is ready")
    assert crashed(Waiting("PodInitializing")) == ("starting", "is starting: PodInitializing")


def test_a_status_that_is_not_of_the_present_spec_does_not_count_as_running() -> None:
    assert how(controller(ready=1, observed=False), [pod()])[0] == "starting"


def test_the_gravest_of_what_several_pods_say_is_told() -> None:
    pods = [pending(), pending(waiting=Waiting("CrashLoopBackOff", "", 1)), pod()]
    assert how(controller(desired=3, ready=1), pods)[0] == "failing"


def test_words_of_the_cluster_are_told_in_one_line_of_some_length() -> None:
    told = crashed(Waiting("ErrImagePull", "x\n\t y {asked} " + "z" * 5000))[1]
    assert "x y {asked} zzz" in told
    assert len(told) < 500


@pytest.mark.parametrize("name", CAUSES)
def test_each_cause_reads_as_a_sentence_and_bad_ones_say_what_to_do(name: str) -> None:
    cause = CAUSES[name]
    assert set(re.findall(r"{(\w+)}", cause.says)) <= {"asked", "pool", "why", "image", "code", "restarts"}
    assert cause.remedy.endswith(".") or cause.state in ("running", "stopped", "starting")
    assert isinstance(Standing(cause.state, name, ""), Standing)


def test_each_state_has_a_cause() -> None:
    assert {cause.state for cause in CAUSES.values()} == set(get_args(State))
