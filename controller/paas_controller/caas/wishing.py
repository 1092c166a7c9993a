"""What people wish of instances that are there: started, stopped, restarted."""

from typing import Literal

from paas_controller.base.errors import Conflict, NotFound
from paas_controller.caas.app import App, AppInstance, require_there
from paas_controller.caas.apps import Apps
from paas_controller.caas.cluster.objects import Controller
from paas_controller.caas.clusters import Clusters

Word = Literal["running", "stopped", "restart"]


class Wishing:
    """Has the controllers in the cluster do it; what becomes of it the story tells."""

    def __init__(self, apps: Apps, clusters: Clusters) -> None:
        self._apps, self._clusters = apps, clusters

    async def wish(
        self, app: App, instance: AppInstance, word: Word, component: str = "", *, dry_run: bool = False
    ) -> list[str]:
        """Starts, stops or restarts all components or one; which. NotFound, Conflict."""
        require_there(app.phase, app.name)
        require_there(instance.phase, instance.name)
        site = self._clusters.site(app.cluster)
        if component and component not in instance.components:
            raise NotFound(f"{instance.name} has no component {component}; it has {', '.join(instance.components)}")
        await site.mirror.ready()
        found = [one for one in site.mirror.controllers(app.namespace, instance.id) if component in ("", one.component)]
        if not found:
            told = f"the cluster has no controller for {component or instance.name}: somebody has deleted it there"
            raise Conflict(f"{told}; delete the instance and make it again")
        if word == "restart" and (stopped := [one.component for one in found if not one.desired]):
            raise Conflict(f"{', '.join(stopped)} is stopped, and cannot be restarted; start it")
        if not dry_run:
            await self._apps.touch(app)
        for controller in [] if dry_run else found:
            await (self._restart(app, controller) if word == "restart" else self._scale(app, controller, word))
        return [controller.component for controller in found]

    async def _scale(self, app: App, controller: Controller, word: Word) -> None:
        site = self._clusters.site(app.cluster)
        replicas = controller.meant if word == "running" else 0
        path = f"/api/v1/namespaces/{app.namespace}/replicationcontrollers/{controller.name}"
        site.mirror.put(await site.client.patch(path, {"spec": {"replicas": replicas}}))

    async def _restart(self, app: App, controller: Controller) -> None:
        site = self._clusters.site(app.cluster)
        for pod in site.mirror.pods(app.namespace, controller.instance):
            if pod.component == controller.component and not pod.leaving:
                try:
                    await site.client.delete(f"/api/v1/namespaces/{app.namespace}/pods/{pod.name}")
                except NotFound:
                    continue
