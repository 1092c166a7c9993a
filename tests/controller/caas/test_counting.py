"""The cluster counts the node ports of an app a moment after one is given back, and refuses new ones until then."""

from typing import Any

import pytest
from kubernetes.client import CoreV1Api

from paas_controller.base.errors import Forbidden
from paas_controller.caas import clusters
from paas_controller.caas.cluster.client import Cluster as Client
from paas_controller.caas.counting import once_counted
from tests.controller.caas.conftest import Portal, component
from tests.testbeds.stack import until

FULL = "the cluster main does not allow services/web: exceeded quota: pool, requested: services.nodeports=1"


class Refused:
    """Refuses so many times, then makes; time passes only where somebody sleeps."""

    def __init__(self, times: float, told: str = FULL) -> None:
        self.times, self.told, self.tries, self.slept = times, told, 0, list[float]()

    async def make(self) -> str:
        self.tries += 1
        if self.tries <= self.times:
            raise Forbidden(self.told)
        return "made"

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


async def test_it_is_tried_again_ever_less_often_until_it_is_counted() -> None:
    refused = Refused(4)
    assert await once_counted(refused.make, refused.sleep) == "made"
    assert refused.slept == [0.05, 0.1, 0.2, 0.4]


async def test_after_some_seconds_it_is_so() -> None:
    refused = Refused(float("inf"))
    with pytest.raises(Forbidden, match=r"services\.nodeports"):
        await once_counted(refused.make, refused.sleep)
    assert 5.0 <= sum(refused.slept) <= 6.0


async def test_what_is_refused_for_another_reason_is_so_at_once() -> None:
    refused = Refused(1, "the cluster main does not allow services/web: exceeded quota: theirs, requested: services=1")
    with pytest.raises(Forbidden):
        await once_counted(refused.make, refused.sleep)
    assert (refused.tries, refused.slept) == (1, [])


class Late(Client):
    """Of a cluster whose account of node ports is wrong, and put right as soon as it has refused something."""

    refusals = 0

    async def create(self, path: str, body: dict[str, Any], query: Any = None) -> dict[str, Any]:
        try:
            return await super().create(path, body, query)
        except Forbidden:
            Late.refusals += 1
            quota = f"{path.rpartition('/')[0]}/resourcequotas/pool/status"
            await self.patch(quota, {"status": {"used": {"services.nodeports": "0"}}})
            raise


@pytest.fixture(autouse=True)
def late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "Cluster", Late)


async def test_a_port_that_is_not_yet_counted_as_free_is_given_all_the_same(portal: Portal) -> None:
    namespace = (await portal.create(ports=1)).body["namespace"]
    with portal.cluster.client() as client:
        core = CoreV1Api(client)

        async def counted() -> bool:
            return bool(core.read_namespaced_resource_quota("pool", namespace).status.used)

        await until(counted, "the account")
        wrong = {"status": {"used": {"limits.memory": "0", "services.nodeports": "1"}}}
        core.patch_namespaced_resource_quota_status("pool", namespace, wrong)
        made = await portal.put_in("web", component(ports=[80]))
    assert made.status == 201, made.body
    assert Late.refusals == 1
