"""The namespaces of apps, with their pools: made, resized, and put right where somebody has changed them."""

import asyncio
from typing import Any

from paas_controller.base.errors import Conflict, Retryable
from paas_controller.caas import manifests
from paas_controller.caas.app import App
from paas_controller.caas.cluster import parsing
from paas_controller.caas.cluster.refusals import AlreadyExists
from paas_controller.caas.clusters import Clusters, Site
from paas_controller.caas.owning import is_ours, stranger
from paas_controller.caas.words import UNIT


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
        ours, path = self._clusters.controller, f"/api/v1/namespaces/{app.namespace}"
        wanted = manifests.namespace(app.namespace, app.label, ours, host_ports=app.on_hosts)
        labels = wanted["metadata"]["labels"]
        try:
            made = await site.client.create("/api/v1/namespaces", wanted)
        except AlreadyExists:
            made = await site.client.get(path)
            if not is_ours(there := parsing.namespace(made), ours):
                raise Conflict(stranger(app.cluster, there, ours)) from None
            if not labels.items() <= made["metadata"]["labels"].items():
                made = await site.client.patch(path, {"metadata": {"labels": labels}})
        site.mirror.put(made)

    def require_ours(self, app: App) -> None:
        """Conflict where its namespace is another controller's by now, Retryable as long as it is not seen there."""
        there = self._clusters.site(app.cluster).mirror.namespace(app.namespace)
        if there is None:
            told = f"the cluster {app.cluster} has no namespace {app.namespace} with the label of the app"
            raise Retryable(f"{told}: it is put right unless the app's note says why not; try again")
        if not is_ours(there, self._clusters.controller):
            raise Conflict(stranger(app.cluster, there, self._clusters.controller))

    async def allow_host_ports(self, app: App) -> None:
        """For an app on hosts of its tenant's own, as it is now."""
        site = self._clusters.site(app.cluster)
        there = site.mirror.namespace(app.namespace)
        if there is None or there.level != manifests.level(app.on_hosts):
            await self._namespace(site, app)

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
        there, quota = mirror.namespace(app.namespace), mirror.quota(app.namespace)
        limits = mirror.limits(app.namespace)
        if there is None or quota is None or limits is None:
            return True
        labels = (app.label, self._clusters.controller, manifests.level(app.on_hosts))
        if (there.app, there.controller, there.level) != labels or (limits.limit, limits.request) != (UNIT, UNIT):
            return True
        return (quota.memory, quota.ports) != (app.memory_units * UNIT, app.max_ports)


async def _laid(site: Site, path: str, wanted: dict[str, Any]) -> None:
    """The object is there, with this spec."""
    try:
        made = await site.client.create(path, wanted)
    except AlreadyExists:
        made = await site.client.patch(f"{path}/{wanted['metadata']['name']}", {"spec": wanted["spec"]})
    site.mirror.put(made)
