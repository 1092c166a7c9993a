"""What is let through means to a real API server what it means to us."""

from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes.client import ApiClient, CoreV1Api

from paas_controller.caas import manifests
from tests.controller.caas.confine.whole import OWN, PLAIN, RC, SVC, made
from tests.testbeds.kubernetes.cluster import Cluster


@pytest.fixture
def client(kubernetes: Cluster) -> Iterator[ApiClient]:
    with kubernetes.client() as made:
        core = CoreV1Api(made)
        core.create_namespace(manifests.namespace(OWN.namespace, "app.shop", "c-1"))
        yield made
        core.delete_namespace(OWN.namespace)


def lost(sent: Any, kept: Any, at: str = "") -> list[str]:
    """Where the server kept something else than what was sent."""
    if isinstance(sent, dict) and isinstance(kept, dict):
        return [each for key, child in sent.items() for each in lost(child, kept.get(key), f"{at}.{key}")]
    if isinstance(sent, list) and isinstance(kept, list) and len(sent) == len(kept):
        return [each for pair in zip(sent, kept, strict=True) for each in lost(*pair, at)]
    return [] if sent == kept else [f"{at}: {sent} became {kept}"]


def test_a_real_server_takes_all_that_is_made_of_templates(client: ApiClient) -> None:
    core, place = CoreV1Api(client), OWN.namespace
    quota, unit = manifests.quota(place, 5, 3), manifests.limit_range(place)
    assert lost(quota, client.sanitize_for_serialization(core.create_namespaced_resource_quota(place, quota))) == []
    assert lost(unit, client.sanitize_for_serialization(core.create_namespaced_limit_range(place, unit))) == []
    for controller, service in (made(RC, SVC), made(PLAIN)):
        kept = core.create_namespaced_replication_controller(place, controller, dry_run="All")
        assert lost(controller, client.sanitize_for_serialization(kept)) == []
        exposed = core.create_namespaced_service(place, service, dry_run="All")
        assert lost(service, client.sanitize_for_serialization(exposed)) == []
