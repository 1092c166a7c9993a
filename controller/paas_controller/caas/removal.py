"""Takes out of a cluster what stands there of an app or an instance, and tells whether it is gone."""

from paas_controller.base.errors import NotFound
from paas_controller.caas.app import App, AppInstance
from paas_controller.caas.apps import Apps
from paas_controller.caas.cluster import parsing
from paas_controller.caas.clusters import Clusters
from paas_controller.caas.leftovers import BACKGROUND, left_of, take_away
from paas_controller.caas.owning import is_ours, stranger

_READ = 2.0
"""Seconds that a cluster is waited for to have been read."""


class Removal:
    """`why` is told on what it waits, by namespace or id of an instance."""

    def __init__(self, apps: Apps, clusters: Clusters, why: dict[str, str]) -> None:
        self._apps, self._clusters, self._why = apps, clusters, why

    async def gone(self, app: App, instance: AppInstance | None) -> bool:
        """Whether nothing of it is there any more; what is, is deleted. PaasError where the cluster does not let us."""
        return await (self._instance_gone(app, instance) if instance else self._namespace_gone(app))

    def is_there(self, app: App, instance: AppInstance | None) -> bool:
        """Whether the cluster is seen to have something of it; a namespace may be another app's by now."""
        mirror = self._clusters.mirror(app.cluster)
        if instance:
            return bool(left_of(mirror, app.namespace, instance.id))
        found = mirror.namespace(app.namespace)
        ours = found is not None and is_ours(found, self._clusters.controller) and not found.leaving
        return ours and self._apps.in_namespace(app.cluster, app.namespace) is None

    async def _namespace_gone(self, app: App) -> bool:
        site = self._clusters.site(app.cluster)
        if self._apps.in_namespace(app.cluster, app.namespace) not in (None, self._apps.known(app)):
            return True  # another app's by now
        path = f"/api/v1/namespaces/{app.namespace}"
        try:
            there = await site.client.get(path)
        except NotFound:
            return True
        found = parsing.namespace(there)
        if not is_ours(found, self._clusters.controller):
            return await self._emptied(app, stranger(app.cluster, found, self._clusters.controller))
        if "deletionTimestamp" not in there["metadata"]:
            await site.client.delete(path, BACKGROUND)
        known = site.mirror.namespace(app.namespace)
        self._why[app.namespace] = (known.stuck if known else "") or f"the namespace {app.namespace} is being emptied"
        return False

    async def _emptied(self, app: App, told: str) -> bool:
        """Of a namespace that is somebody else's, or is ours no more, only what bears our instances' ids is deleted."""
        self._why[app.namespace] = told
        gone = [await self._instance_gone(app, each) for each in list(app.instances.values())]
        return all(gone)

    async def _instance_gone(self, app: App, instance: AppInstance) -> bool:
        site = self._clusters.site(app.cluster)
        await site.mirror.ready(_READ)
        left = await take_away(site, app.namespace, instance.id)
        if left:
            self._why[instance.id] = f"waits until {', '.join(left[:3])} is gone"
        return not left
