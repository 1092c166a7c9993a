"""The cluster: what the tests of apps on Kubernetes rely on."""

import itertools
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest
from kubernetes.client import ApiClient, ApiException, CoreV1Api
from kubernetes.watch import Watch
from urllib3.exceptions import HTTPError

from tests.testbeds.hosts.machine import CannotStart
from tests.testbeds.kubernetes.cluster import NODE_PORTS, Cluster
from tests.testbeds.kubernetes.credentials import NOBODY
from tests.testbeds.kubernetes.programs import NAMES, programs

T = TypeVar("T")
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def client(kubernetes: Cluster) -> Iterator[ApiClient]:
    with kubernetes.client() as client:
        yield client


@pytest.fixture
def core(client: ApiClient) -> Any:
    return CoreV1Api(client)


@pytest.fixture
def space(core: Any) -> Iterator[str]:
    """A namespace of the test's own."""
    name = f"bed-{next(_NUMBERS)}"
    core.create_namespace({"metadata": {"name": name}})
    yield name
    core.delete_namespace(name)


def until(look: Callable[[], T | None], what: str, seconds: float = 20) -> T:
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain for {what}"
        time.sleep(0.05)
    return found


def run(core: Any, space: str, image: str = "registry/web:1", memory: str = "64Mi", replicas: int = 1) -> None:
    container = {"name": "main", "image": image, "resources": {"limits": {"memory": memory}}}
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}
    spec = {"replicas": replicas, "selector": {"app": "web"}, "template": template}
    core.create_namespaced_replication_controller(space, {"metadata": {"name": "web"}, "spec": spec})


def pod_that(core: Any, space: str, fits: Callable[[Any], bool], what: str) -> Any:
    return until(lambda: next((pod for pod in core.list_namespaced_pod(space).items if fits(pod)), None), what)


def is_ready(pod: Any) -> bool:
    return any(one.type == "Ready" and one.status == "True" for one in pod.status.conditions or ())


def waits(pod: Any) -> Any:
    """What its container waits for; None while it does not."""
    return next((one.state.waiting for one in pod.status.container_statuses or ()), None)


def event(core: Any, space: str, reason: str) -> Any:
    find = {"field_selector": f"reason={reason}"}
    return until(lambda: next(iter(core.list_namespaced_event(space, **find).items), None), f"an event {reason}")


def service(port: int) -> dict[str, Any]:
    return {
        "metadata": {"generateName": "web-"},
        "spec": {"type": "NodePort", "ports": [{"port": 80, "nodePort": port}]},
    }


def test_a_pod_becomes_ready_on_the_node(core: Any, space: str) -> None:
    run(core, space)
    pod = pod_that(core, space, is_ready, "a pod that is ready")
    assert pod.spec.node_name == "node1"
    assert pod.status.pod_ip.startswith("10.")


def test_logs_are_read_and_followed_through_the_api_server(core: Any, space: str) -> None:
    run(core, space)
    name = pod_that(core, space, is_ready, "a pod that is ready").metadata.name
    assert core.read_namespaced_pod_log(name, space, tail_lines=2) == "main line 2\nmain line 3\n"
    followed = core.read_namespaced_pod_log(name, space, follow=True, _preload_content=False, _request_timeout=10)
    chunks, seen = followed.stream(), b""
    while b"main line 5\n" not in seen:
        seen += next(chunks)
    followed.close()


def test_an_image_that_is_not_there_cannot_be_pulled(core: Any, space: str) -> None:
    run(core, space, "registry/no-such-image:1")
    pod = pod_that(core, space, waits, "a container that waits")
    assert waits(pod).reason == "ImagePullBackOff"
    assert waits(pod).message == 'Back-off pulling image "registry/no-such-image:1"'
    assert event(core, space, "Failed").message.startswith('Failed to pull image "registry/no-such-image:1"')


def test_a_program_that_ends_again_and_again_tells_its_exit_code(core: Any, space: str) -> None:
    run(core, space, "registry/crash:137")
    pod = pod_that(core, space, waits, "a container that waits")
    [container] = pod.status.container_statuses
    assert waits(pod).reason == "CrashLoopBackOff"
    assert (container.last_state.terminated.exit_code, container.last_state.terminated.reason) == (137, "OOMKilled")


def test_over_quota_the_controller_says_so_and_one_pod_runs(core: Any, space: str) -> None:
    quota = {"metadata": {"name": "mem"}, "spec": {"hard": {"limits.memory": "100Mi"}}}
    core.create_namespaced_resource_quota(space, quota)
    until(lambda: core.read_namespaced_resource_quota("mem", space).status.used, "the quota to be counted")
    run(core, space, replicas=2)
    pod_that(core, space, is_ready, "a pod that is ready")
    read = lambda: core.read_namespaced_replication_controller("web", space).status.conditions  # noqa: E731
    [condition] = until(read, "the condition ReplicaFailure")
    assert (condition.type, condition.reason, condition.status) == ("ReplicaFailure", "FailedCreate", "True")
    assert re.fullmatch(
        r'pods "web-.*" is forbidden: exceeded quota: mem, requested: limits.memory=64Mi, '
        r"used: limits.memory=64Mi, limited: limits.memory=100Mi",
        condition.message,
    )


def test_the_scheduler_says_that_memory_does_not_fit(core: Any, space: str) -> None:
    run(core, space, memory="100Gi")
    told = event(core, space, "FailedScheduling")
    assert "1 Insufficient memory" in told.message
    assert (told.first_timestamp, told.event_time is None) == (None, False)


def test_a_node_port_that_is_taken_is_refused_with_its_field(core: Any, space: str) -> None:
    core.create_namespaced_service(space, service(NODE_PORTS[0]))
    with pytest.raises(ApiException) as refused:
        core.create_namespaced_service(space, service(NODE_PORTS[0]))
    assert refused.value.status == 422
    [cause] = json.loads(refused.value.body or "")["details"]["causes"]
    assert cause["field"] == "spec.ports[0].nodePort"
    assert "provided port is already allocated" in cause["message"]


def test_deleting_in_the_background_leaves_nothing(core: Any, space: str) -> None:
    run(core, space, replicas=3)
    until(lambda: len(core.list_namespaced_pod(space).items) == 3, "three pods")
    core.delete_namespaced_replication_controller("web", space, propagation_policy="Background")
    until(lambda: not core.list_namespaced_pod(space).items, "the pods to go")


def test_a_pod_that_never_ends_holds_its_namespace(core: Any, space: str) -> None:
    run(core, space, "registry/never-ends")
    name = pod_that(core, space, is_ready, "a pod that is ready").metadata.name
    core.delete_namespace(space)
    conditions = until(lambda: core.read_namespace(space).status.conditions, "the namespace to hang")
    assert any("pods." in one.message for one in conditions if one.type == "NamespaceContentRemaining")
    core.delete_namespaced_pod(name, space, grace_period_seconds=0)
    until(lambda: space not in [one.metadata.name for one in core.list_namespace().items], "the namespace to go")
    core.create_namespace({"metadata": {"name": space}})


def test_whoever_has_no_rights_is_refused(kubernetes: Cluster, space: str) -> None:
    with kubernetes.client(NOBODY) as client, pytest.raises(ApiException) as refused:
        CoreV1Api(client).list_namespaced_pod(space)
    assert refused.value.status == 403


def test_a_paused_api_server_does_not_answer_until_it_goes_on(kubernetes: Cluster, core: Any, space: str) -> None:
    with kubernetes.paused(), pytest.raises(HTTPError):
        core.read_namespace(space, _request_timeout=0.3)
    assert core.read_namespace(space).metadata.name == space


def test_an_api_server_that_was_killed_comes_back_and_all_goes_on(kubernetes: Cluster, core: Any, space: str) -> None:
    with kubernetes.away():
        pass
    run(core, space)
    pod_that(core, space, is_ready, "a pod that is ready")


def test_a_watch_from_before_a_compaction_is_told_that_it_is_too_old(
    kubernetes: Cluster, core: Any, space: str
) -> None:
    before = core.list_namespaced_pod(space).metadata.resource_version
    run(core, space)
    pod_that(core, space, is_ready, "a pod that is ready")
    kubernetes.compact()
    watch: Any = Watch
    with pytest.raises(ApiException) as refused:
        list(watch().stream(core.list_namespaced_pod, space, resource_version=before, timeout_seconds=5))
    assert refused.value.status == 410


def test_a_cluster_by_hand_stays_until_it_is_ended(tmp_path: Path) -> None:
    by_hand, environment = [sys.executable, "-m", "tests.testbeds.kubernetes"], os.environ | {"TMPDIR": str(tmp_path)}
    told = subprocess.run([*by_hand, "up"], env=environment, capture_output=True, text=True, check=True).stdout
    folder = tmp_path / "paas-kubernetes"
    pids = [int(pid) for pid in json.loads((folder / "running.json").read_text())]
    try:
        assert f"export KUBECONFIG={folder / 'admin.kubeconfig'}\n" in told
        assert all(psutil.pid_exists(pid) for pid in pids)
    finally:
        subprocess.run([*by_hand, "down"], env=environment, check=True)
    assert not folder.exists()
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_programs_that_are_there_already_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        (tmp_path / name).touch()
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))
    assert programs() == {name: tmp_path / name for name in NAMES}


def test_where_kubernetes_cannot_be_built_that_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PATH", "XDG_CACHE_HOME", "KUBEBUILDER_ASSETS"):
        monkeypatch.setenv(name, str(tmp_path))
    with pytest.raises(CannotStart, match="run this on Debian 12, or set KUBEBUILDER_ASSETS to a folder with etcd, "):
        programs()
