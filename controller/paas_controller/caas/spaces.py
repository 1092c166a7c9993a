"""The namespaces of apps, with their pools: made, resized, and put right where somebody has changed them."""

import asyncio
from typing import Any

from paas_controller.base.errors import Conflict, NotFound, Retryable
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
            foreign = {name: None for name, _ in there.levels if name not in labels}
            if foreign or not labels.items() <= made["metadata"]["labels"].items():
                made = await site.client.patch(path, {"metadata": {"labels": labels | foreign}})
        site.mirror.put(made)

    async def require_free(self, app: App) -> None:
        """Conflict where the namespace is somebody else's already."""
        site = self._clusters.site(app.cluster)
        try:
            there = parsing.namespace(await site.client.get(f"/api/v1/namespaces/{app.namespace}"))
        except NotFound:
            return
        if not is_ours(there, self._clusters.controller):
            raise Conflict(stranger(app.cluster, there, self._clusters.controller))

    def require_ours(self, app: App) -> None:
        """Conflict where its namespace is another controller's by now, Retryable as long as it is not seen there."""
        there = self._clusters.site(app.cluster).mirror.namespace(app.namespace)
        if there is None:
            told = f"the cluster {app.cluster} has no namespace {app.namespace} with the label of the app"
            raise Retryable(f"{told}: it is put right unless the app's note says why not; try again")
        if not is_ours(there, self._clusters.controller):
            raise Conflict(stranger(app.cluster, there, self._clusters.controller))
        self.require_staying(app)

    def require_staying(self, app: App) -> None:
        """Conflict while somebody deletes its namespace, which is made anew once that is gone."""
        there = self._clusters.site(app.cluster).mirror.namespace(app.namespace)
        if there and there.leaving:
            told = f"its namespace {app.namespace} is being deleted, which nobody asked the platform for"
            raise Conflict(f"{told}: {there.stuck or 'it is being emptied'}; it is made anew once that is gone")

    async def allow_host_ports(self, app: App) -> None:
        """For an app on hosts of its tenant's own, as it is now."""
        site = self._clusters.site(app.cluster)
        there = site.mirror.namespace(app.namespace)
        if there is None or dict(there.levels) != manifests.levels(app.on_hosts):
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
        labels = (app.label, self._clusters.controller, manifests.levels(app.on_hosts))
        if (there.app, there.controller, dict(there.levels)) != labels or quota.altered or limits.altered:
            return True
        sizes = (limits.limit, limits.request, quota.memory, quota.ports)
        return sizes != (UNIT, UNIT, app.memory_units * UNIT, app.max_ports)


async def _laid(site: Site, path: str, wanted: dict[str, Any]) -> None:
    """The object is there, with this spec."""
    try:
        made = await site.client.create(path, wanted)
    except AlreadyExists:
        name = wanted["metadata"]["name"]
        found = (await site.client.get(path, {"fieldSelector": f"metadata.name={name}"}))["items"]
        there = found[0]["spec"] if found else {}
        made = await site.client.patch(f"{path}/{name}", {"spec": _instead(there, wanted["spec"])})
    site.mirror.put(made)


def _instead(there: Any, wanted: dict[str, Any]) -> dict[str, Any]:
    """The merge patch that leaves nothing but what is wanted."""
    known = there if isinstance(there, dict) else {}
    inner = {name: _instead(known.get(name), value) for name, value in wanted.items() if isinstance(value, dict)}
    return dict.fromkeys(set(known) - set(wanted)) | wanted | inner
