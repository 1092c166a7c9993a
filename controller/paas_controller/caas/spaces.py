"""The namespaces of apps, with their pools: made, resized, and put right where somebody has changed them."""

import asyncio
from typing import Any

from paas_controller.base.errors import Conflict
from paas_controller.caas import manifests
from paas_controller.caas.apps import App
from paas_controller.caas.cluster.refusals import AlreadyExists
from paas_controller.caas.clusters import Clusters, Site
from paas_controller.caas.words import APP, UNIT


class Spaces:
    """What stands in a cluster for an app itself."""

    def __init__(self, clusters: Clusters) -> None:
        self._clusters = clusters
        self._locks: dict[tuple[str, str], asyncio.Lock] = {}

    async def make(self, app: App) -> None:
        """Makes or completes it. Conflict where the namespace is somebody else's."""
        site = self._clusters.site(app.cluster)
        await self._namespace(site, app)
        within = f"/api/v1/namespaces/{app.namespace}"
        await _laid(site, f"{within}/resourcequotas", manifests.quota(app.namespace, app.memory_units, app.max_ports))
        await _laid(site, f"{within}/limitranges", manifests.limit_range(app.namespace))

    async def _namespace(self, site: Site, app: App) -> None:
        try:
            made = await site.client.create("/api/v1/namespaces", manifests.namespace(app.namespace, app.label))
        except AlreadyExists:
            made = await site.client.get(f"/api/v1/namespaces/{app.namespace}")
            if made["metadata"].get("labels", {}).get(APP) != app.label:
                told = f"the cluster {site.settings.name} has a namespace {app.namespace} that is none of ours"
                raise Conflict(f"{told}: take another name") from None
        site.mirror.put(made)

    async def allow_host_ports(self, app: App) -> None:
        """For an app on hosts of its tenant's own."""
        site = self._clusters.site(app.cluster)
        labels = manifests.namespace(app.namespace, app.label, host_ports=True)["metadata"]["labels"]
        site.mirror.put(
            await site.client.patch(f"/api/v1/namespaces/{app.namespace}", {"metadata": {"labels": labels}})
        )

    async def resize(self, app: App) -> None:
        """Gives its pool this size."""
        site = self._clusters.site(app.cluster)
        wanted = manifests.quota(app.namespace, app.memory_units, app.max_ports)
        await _laid(site, f"/api/v1/namespaces/{app.namespace}/resourcequotas", wanted)

    def alone(self, app: App) -> asyncio.Lock:
        """Held by whoever changes its pool: in between, row and cluster differ."""
        return self._locks.setdefault((app.cluster, app.namespace), asyncio.Lock())

    def drifted(self, app: App) -> bool:
        """Whether its namespace or its pool are not what was written down."""
        mirror = self._clusters.site(app.cluster).mirror
        quota = mirror.quota(app.namespace)
        if mirror.namespace(app.namespace) is None or quota is None:
            return True
        return (quota.memory, quota.ports) != (app.memory_units * UNIT, app.max_ports)


async def _laid(site: Site, path: str, wanted: dict[str, Any]) -> None:
    """The object is there, with this spec."""
    try:
        made = await site.client.create(path, wanted)
    except AlreadyExists:
        made = await site.client.patch(f"{path}/{wanted['metadata']['name']}", {"spec": wanted["spec"]})
    site.mirror.put(made)
