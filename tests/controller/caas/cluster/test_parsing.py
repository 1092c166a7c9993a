"""What an API server writes, in our words."""

from typing import Any

import pytest

from paas_controller.caas.cluster import parsing
from paas_controller.caas.cluster.objects import Happening, Namespace, Port, Quota, Waiting
from paas_controller.caas.words import APP
from tests.controller.caas.cluster.raws import container, controller, of, pod, service, warning

MIB = 1024 * 1024
READY = [{"type": "Ready", "status": "True"}]


def waiting(reason: str, **more: Any) -> dict[str, Any]:
    return {"restartCount": 4, "state": {"waiting": {"reason": reason, "message": "why"}}} | more


def test_a_pod_that_runs() -> None:
    statuses = [{"restartCount": 2, "state": {"running": {}}}, {"restartCount": 1, "state": {"running": {}}}]
    found = parsing.pod(pod(conditions=READY, podIP="10.1.2.3", containerStatuses=statuses))
    assert (found.namespace, found.name, found.instance, found.component) == ("shop", "web-1", "i1", "web")
    assert (found.phase, found.ready, found.leaving, found.waiting) == ("running", True, False, None)
    assert (found.node, found.address, found.restarts, found.memory) == ("node1", "10.1.2.3", 3, 64 * MIB)
    assert found.started_at == 1767323045.0


def test_a_pod_that_was_only_just_made_has_no_status() -> None:
    found = parsing.pod({"metadata": of("web-1"), "spec": {"containers": []}})
    assert (found.phase, found.ready, found.started_at, found.node) == ("pending", False, None, "")


def test_a_pod_whose_node_is_lost_is_unknow() -> None:
    assert parsing.pod(pod(phase="Unknown")).phase == "unknow"


def test_a_pod_that_is_deleted_leaves() -> None:
    raw = pod()
    raw["metadata"]["deletionTimestamp"] = "2026-01-02T03:04:05Z"
    assert parsing.pod(raw).leaving


def test_a_pod_takes_what_runs_at_once() -> None:
    raw = pod()
    raw["spec"] = {"containers": [container("64Mi"), container("1M")], "initContainers": [container("70Mi")]}
    assert parsing.pod(raw).memory == 70 * MIB


def test_an_amount_that_no_machine_has_counts_as_nothing() -> None:
    raw = pod()
    raw["spec"]["containers"] = [container("9" * 19)]
    assert parsing.pod(raw).memory == 0


def test_a_pod_without_a_place_says_what_the_scheduler_said() -> None:
    told = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available"}
    assert parsing.pod(pod(phase="Pending", conditions=[told])).unplaced == "0/1 nodes are available"


def test_a_container_that_crashes_says_how_it_ended() -> None:
    crashed = waiting("CrashLoopBackOff", lastState={"terminated": {"exitCode": 137}})
    fine = {"restartCount": 0, "state": {"running": {}}}
    found = parsing.pod(pod(containerStatuses=[fine, crashed]))
    assert found.waiting == Waiting("CrashLoopBackOff", "why", 137)


def test_a_container_that_has_just_ended_badly_says_so_and_one_that_ended_well_does_not() -> None:
    ended = {"state": {"terminated": {"exitCode": 3, "reason": "Error"}}}
    well = {"state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}
    assert parsing.pod(pod(containerStatuses=[ended])).waiting == Waiting("Error", "", 3)
    assert parsing.pod(pod(initContainerStatuses=[well])).waiting is None


@pytest.mark.parametrize("reason", ["ContainerCreating", "PodInitializing"])
def test_a_container_that_is_being_made_is_no_trouble(reason: str) -> None:
    assert parsing.pod(pod(containerStatuses=[waiting(reason)])).waiting is None


def test_the_trouble_of_an_initial_container_comes_first() -> None:
    said = {"initContainerStatuses": [waiting("ErrImagePull")], "containerStatuses": [waiting("PodInitializing")]}
    found = parsing.pod(pod(**said)).waiting
    assert found == Waiting("ErrImagePull", "why", None)


def test_a_controller_counts_what_it_has() -> None:
    found = parsing.controller(controller(replicas=0, readyReplicas=1, observedGeneration=3) | {})
    assert (found.name, found.instance, found.component, found.instance_name) == ("web", "i1", "web", "blue")
    assert (found.desired, found.meant, found.replicas, found.ready) == (0, 2, 0, 1)
    assert (found.memory, found.image, found.failure, found.observed) == (64 * MIB, "web:1", "", True)


def test_a_status_of_an_earlier_spec_is_not_of_this_one() -> None:
    assert not parsing.controller(controller(observedGeneration=2)).observed
    assert not parsing.controller(controller()).observed


def test_a_controller_that_cannot_make_pods_says_why_until_it_can() -> None:
    told = {"type": "ReplicaFailure", "reason": "FailedCreate", "message": "exceeded quota: pool"}
    assert parsing.controller(controller(conditions=[told | {"status": "True"}])).failure == "exceeded quota: pool"
    assert parsing.controller(controller(conditions=[told | {"status": "False"}])).failure == ""


@pytest.mark.parametrize("note", ["", "many", "-1", "²"])
def test_a_note_that_is_no_number_is_passed_over(note: str) -> None:
    raw = controller(replicas=1)
    raw["metadata"]["annotations"] = {"idevops/replicas": note}
    assert parsing.controller(raw).meant == 1


def test_the_ports_of_a_service() -> None:
    assert parsing.service(service(node_port=30007)).ports == (Port(8080, 80, 30007, "", "TCP"),)


def test_the_ports_of_somebody_elses_service() -> None:
    ports = [{"port": 53, "name": "dns", "protocol": "UDP"}, {"port": 80, "targetPort": "http"}]
    raw = {"metadata": of("dns"), "spec": {"ports": ports, "healthCheckNodePort": 30100, "externalIPs": ["9.9.9.9"]}}
    found = parsing.service(raw)
    assert found.ports == (Port(53, 53, 0, "dns", "UDP"), Port(0, 80), Port(0, 0, 30100, "health"))
    assert (found.instance, found.external_ips) == ("", ("9.9.9.9",))


def test_a_service_without_ports_has_none() -> None:
    assert parsing.service({"metadata": of("outside"), "spec": {"externalName": "a.b"}}).ports == ()


def test_a_quota_that_was_not_counted_yet_does_not_say_nothing_is_used() -> None:
    hard = {"limits.memory": "640Mi", "services.nodeports": "3"}
    raw = {"metadata": of("pool"), "spec": {"hard": hard}}
    assert parsing.quota(raw) == Quota("shop", 640 * MIB, None, 3, None)
    counted = raw | {"status": {"used": {"limits.memory": "128Mi", "services.nodeports": "0"}}}
    assert parsing.quota(counted) == Quota("shop", 640 * MIB, 128 * MIB, 3, 0)


def test_a_namespace_that_goes_says_on_what_it_hangs() -> None:
    told = [
        {"type": "NamespaceContentRemaining", "status": "True", "message": "Some resources are remaining: pods. has 1"},
        {"type": "NamespaceFinalizersRemaining", "status": "False", "message": "all is well"},
    ]
    about = {"name": "shop", "labels": {APP: "app.shop"}}
    assert parsing.namespace({"metadata": about}) == Namespace("shop", "app.shop")
    gone = about | {"deletionTimestamp": "2026-01-02T03:04:05Z"}
    found = parsing.namespace({"metadata": gone, "status": {"conditions": told}})
    assert found == Namespace("shop", "app.shop", leaving=True, stuck="Some resources are remaining: pods. has 1")


def test_a_warning() -> None:
    raw = warning("web", count=7, lastTimestamp="2026-01-02T03:04:05Z")
    about = "ReplicationController/web"
    assert parsing.happening(raw) == Happening("shop", about, "FailedCreate", "exceeded quota", 7, 1767323045.0, True)


def test_an_event_of_the_newer_kind_has_its_moment_elsewhere() -> None:
    newer = {"lastTimestamp": None, "firstTimestamp": None, "count": None, "type": "Normal"}
    raw = warning("web", eventTime="2026-01-02T03:04:05.500000Z", **newer)
    found = parsing.happening(raw)
    assert (found.last_at, found.count, found.warning) == (1767323045.5, 1, False)
