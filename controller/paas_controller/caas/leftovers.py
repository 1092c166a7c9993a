"""What a cluster has of an instance, and how that is taken away."""

from paas_controller.base.errors import NotFound
from paas_controller.caas.cluster.mirror import Mirror
from paas_controller.caas.cluster.request import Query
from paas_controller.caas.clusters import Site
from paas_controller.caas.words import INSTANCE

BACKGROUND = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
_KINDS = ("replicationcontrollers", "services", "pods")


async def take_away(site: Site, namespace: str, instance: str) -> list[str]:
    """Deletes what bears its label; `kind/name` of what is left. The mirror has to be fresh."""
    left = left_of(site.mirror, namespace, instance)
    for kind, name, leaving in left:
        if not leaving:
            try:
                await site.client.delete(f"/api/v1/namespaces/{namespace}/{kind}/{name}", BACKGROUND)
            except NotFound:
                continue  # the mirror will hear of it
    return [f"{kind}/{name}" for kind, name, _ in left] or await _found(site, namespace, instance)


def left_of(mirror: Mirror, namespace: str, instance: str) -> list[tuple[str, str, bool]]:
    """What is there with its label: kind, name, and whether it leaves by itself. Pods follow their controllers."""
    controllers = [(_KINDS[0], one.name, one.leaving) for one in mirror.controllers(namespace, instance)]
    services = [(_KINDS[1], one.name, one.leaving) for one in mirror.services(namespace, instance)]
    pods = [(_KINDS[2], one.name, one.leaving or bool(controllers)) for one in mirror.pods(namespace, instance)]
    return controllers + services + pods


async def _found(site: Site, namespace: str, instance: str) -> list[str]:
    """One that the cluster itself still has; the mirror may be old."""
    for kind in _KINDS:
        asked: Query = {"labelSelector": f"{INSTANCE}={instance}", "limit": 1}
        items = (await site.client.get(f"/api/v1/namespaces/{namespace}/{kind}", asked)).get("items")
        if items:
            return [f"{kind}/{each['metadata']['name']}" for each in items]
    return []
