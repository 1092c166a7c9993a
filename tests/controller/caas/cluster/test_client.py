"""What a real API server answers, and what becomes of it."""

import asyncio
from contextlib import aclosing, suppress
from random import Random

import pytest

from paas_controller.base.errors import Conflict, Forbidden, Invalid, NotFound, Refused, Retryable, TooLarge
from paas_controller.caas.cluster.client import Cluster
from paas_controller.caas.cluster.refusals import AlreadyExists, Stale
from tests.controller.caas.cluster.conftest import (
    BACKGROUND,
    controller,
    never_ends,
    quota,
    service,
    settings,
    threads,
    until,
)
from tests.testbeds.kubernetes.cluster import Cluster as Bed

OF = "/api/v1/namespaces"


async def test_an_object_is_made_read_changed_and_deleted(client: Cluster, namespace: str) -> None:
    made = await client.create(f"{OF}/{namespace}/replicationcontrollers", controller("web", "i1", 0))
    path = f"{OF}/{namespace}/replicationcontrollers/web"
    assert (await client.get(path))["metadata"]["uid"] == made["metadata"]["uid"]
    patched = await client.patch(path, {"metadata": {"annotations": {"a": "b"}}, "spec": {"replicas": 0}})
    assert patched["metadata"]["annotations"] == {"a": "b"}
    del patched["metadata"]["resourceVersion"]
    patched["metadata"]["annotations"] = {"a": "c"}
    assert (await client.replace(path, patched))["metadata"]["annotations"] == {"a": "c"}
    found = await client.get(f"{OF}/{namespace}/replicationcontrollers", {"labelSelector": "idevops/instanceId=i1"})
    assert [one["metadata"]["name"] for one in found["items"]] == ["web"]
    await client.delete(path, BACKGROUND)
    with pytest.raises(NotFound, match=r"^the cluster east has no replicationcontrollers/web$"):
        await client.get(path)


async def test_a_name_that_is_taken_and_a_write_that_comes_too_late(client: Cluster, namespace: str) -> None:
    path = f"{OF}/{namespace}/replicationcontrollers"
    first = await client.create(path, controller("web", "i1", 0))
    with pytest.raises(AlreadyExists, match=r"^the cluster east has a replicationcontrollers/web already$"):
        await client.create(path, controller("web", "i1", 0))
    await client.patch(f"{path}/web", {"spec": {"replicas": 0}, "metadata": {"annotations": {"a": "b"}}})
    with pytest.raises(
        Stale, match=r"^replicationcontrollers/web in the cluster east was changed meanwhile: try again"
    ):
        await client.replace(f"{path}/web", first)


async def test_what_does_not_fit_into_the_quota_is_forbidden_with_its_figures(client: Cluster, namespace: str) -> None:
    await client.create(f"{OF}/{namespace}/resourcequotas", quota("32Mi"))
    path = f"{OF}/{namespace}/resourcequotas/pool"

    async def counted() -> None:
        assert (await client.get(path))["status"]["used"]["limits.memory"] == "0"

    await until(counted)
    pod = controller("web", "i1")["spec"]["template"] | {"metadata": {"name": "web"}}
    told = "exceeded quota: pool, requested: limits.memory=64Mi, used: limits.memory=0, limited: limits.memory=32Mi"
    with pytest.raises(Forbidden, match=rf"^the cluster east does not allow pods/web: {told}$"):
        await client.create(f"{OF}/{namespace}/pods", pod)


async def test_a_spec_that_is_wrong_is_refused_with_its_fields(client: Cluster, namespace: str) -> None:
    wrong = controller("web", "i1", -1)
    wrong["spec"]["template"]["spec"]["containers"][0]["name"] = "No Name"
    with pytest.raises(Refused) as error:
        await client.create(f"{OF}/{namespace}/replicationcontrollers", wrong)
    assert [detail.partition(": ")[0] for detail in error.value.details] == [
        "spec.replicas",
        "spec.template.spec.containers[0].name",
    ]


async def test_a_node_port_that_somebody_has_is_refused_by_its_field(client: Cluster, namespace: str) -> None:
    path = f"{OF}/{namespace}/services"
    port = (await client.create(path, service("first")))["spec"]["ports"][0]["nodePort"]
    with pytest.raises(Refused) as error:
        await client.create(path, service("second", node_port=port))
    told = f"spec.ports[0].nodePort: Invalid value: {port}: provided port is already allocated"
    assert error.value.details == [told]


async def test_what_is_no_such_object_at_all_is_invalid(client: Cluster, namespace: str) -> None:
    wrong = controller("web", "i1") | {"spec": {"replicas": "many"}}
    with pytest.raises(Invalid, match=r"^the cluster east does not understand this: "):
        await client.create(f"{OF}/{namespace}/replicationcontrollers", wrong)


async def test_what_is_larger_than_the_cluster_takes_is_too_large(client: Cluster, namespace: str) -> None:
    huge = {"metadata": {"name": "huge"}, "data": {"all": "x" * 4_000_000}}
    with pytest.raises(TooLarge, match=r"^this is more than the cluster east takes: "):
        await client.create(f"{OF}/{namespace}/configmaps", huge)


async def test_nothing_is_made_in_a_namespace_that_goes(client: Cluster) -> None:
    await client.create(OF, {"metadata": {"name": "leaving"}, "spec": {"finalizers": ["kubernetes"]}})
    await until(lambda: client.create(f"{OF}/leaving/pods", never_ends("stays")))
    await client.delete(f"{OF}/leaving", BACKGROUND)
    with pytest.raises(Conflict, match=r"^its namespace is being deleted: wait until that is gone$"):
        await client.create(f"{OF}/leaving/services", service("web"))
    await client.delete(f"{OF}/leaving/pods/stays", {"gracePeriodSeconds": 0})


@pytest.mark.parametrize("name", ["..", ".", "a/b?c", "", "a%2f", "a\nb"])
async def test_a_name_never_leads_elsewhere(client: Cluster, name: str) -> None:
    with pytest.raises(Invalid, match=r"cannot be a name in a cluster$"):
        await client.get(f"{OF}/{name}")


@pytest.fixture
async def pod(client: Cluster, namespace: str) -> str:
    """The path of one that runs."""
    path = f"{OF}/{namespace}/pods"
    template = controller("web", "i1")["spec"]["template"]
    await until(lambda: client.create(path, template | {"metadata": {"name": "web"}}))

    async def runs() -> None:
        assert (await client.get(f"{path}/web"))["status"]["phase"] == "Running"

    await until(runs)
    return f"{path}/web"


async def test_a_log_is_read_and_followed(client: Cluster, pod: str) -> None:
    assert await client.text(f"{pod}/log", {"tailLines": 2}) == "main line 2\nmain line 3\n"
    found = []
    async with aclosing(client.follow(f"{pod}/log", {"follow": True})) as lines:
        async for line in lines:
            found.append(line)
            if len(found) == 5:
                break
    assert found == [f"main line {number}" for number in range(1, 6)]


async def test_a_log_that_is_not_there_is_not_followed(client: Cluster, namespace: str) -> None:
    with pytest.raises(NotFound, match=r"^the cluster east has no pods/web$"):
        await anext(client.follow(f"{OF}/{namespace}/pods/web/log", {"follow": True}))


async def test_calls_that_are_cancelled_do_no_harm_to_others(client: Cluster) -> None:
    dice = Random(1)

    async def one() -> None:
        call = asyncio.create_task(client.get(OF))
        if dice.random() < 0.5:
            asyncio.get_running_loop().call_later(dice.random() * 0.03, call.cancel)
        with suppress(asyncio.CancelledError):
            assert (await call)["items"]

    for _ in range(10):
        await asyncio.gather(*(one() for _ in range(30)))


async def test_who_waits_for_a_free_thread_is_let_go_when_the_cluster_is_closed(kubernetes: Bed) -> None:
    cluster = Cluster(settings(kubernetes.kubeconfig()).model_copy(update={"calls": 1}))
    await cluster.get(OF)
    with kubernetes.paused():
        waiting = [asyncio.create_task(cluster.get(OF)) for _ in range(3)]
        await asyncio.sleep(0)
        async with asyncio.timeout(1):
            await cluster.close()
            ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(error) for error in ended] == [Retryable] * 3


async def test_a_closed_cluster_is_asked_nothing_more(kubernetes: Bed) -> None:
    cluster = Cluster(settings(kubernetes.kubeconfig()))
    await cluster.close()
    with pytest.raises(Retryable, match=r"^the controller goes down, and speaks to the cluster east no more$"):
        await cluster.get(OF)


async def test_no_thread_is_left_although_logs_are_followed(kubernetes: Bed, pod: str) -> None:
    cluster = Cluster(settings(kubernetes.kubeconfig(), name="west"))
    silent = cluster.lines(OF, {"watch": True, "labelSelector": "nobody=here"}, silence=None)
    talks = cluster.follow(f"{pod}/log", {"follow": True})
    assert (await anext(silent), await anext(talks)) == ([], "main line 1")
    waits = asyncio.create_task(anext(silent))
    await asyncio.sleep(0)
    async with asyncio.timeout(1):
        await cluster.close()
    with pytest.raises(Retryable, match=r"^the cluster west cannot be reached \(it hung up\)"):
        await waits
    await talks.aclose()
    assert not threads("west")
