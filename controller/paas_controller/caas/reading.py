"""What people look for next: the logs of an instance, and what its cluster says of it."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from paas_controller.base.clock import rfc3339
from paas_controller.base.errors import Conflict, NotFound
from paas_controller.caas.apps import App, AppInstance
from paas_controller.caas.cluster import parsing
from paas_controller.caas.cluster.objects import Pod
from paas_controller.caas.cluster.request import Query
from paas_controller.caas.clusters import Clusters

LINES = 1000
_LONGEST = 1 << 20


class Reading:
    """Asks the cluster at once; nothing of it is kept."""

    def __init__(self, clusters: Clusters) -> None:
        self._clusters = clusters

    def pod(self, app: App, instance: AppInstance, component: str = "", name: str = "") -> Pod:
        """The pod whose log is meant: the youngest, unless one is named. NotFound, Conflict."""
        mirror = self._clusters.mirror(app.cluster)
        pods = [pod for pod in mirror.pods(app.namespace, instance.id) if component in ("", pod.component)]
        if name:
            pods = [pod for pod in pods if pod.name == name]
        if not pods:
            told = f"{instance.name} has no pod {name}" if name else f"{instance.name} has no pod: nothing of it runs"
            raise NotFound(told)
        components = sorted({pod.component for pod in pods})
        if len(components) > 1:
            raise Conflict(f"{instance.name} has several components; name one: {', '.join(components)}")
        return max(pods, key=lambda pod: (not pod.leaving, pod.started_at or 0.0, pod.name))

    async def log(self, app: App, pod: Pod, tail: int, container: str = "") -> str:
        """Its last lines, a mebibyte at most."""
        query: Query = {"tailLines": tail, "limitBytes": _LONGEST, **_container(app, pod, container)}
        return await self._clusters.site(app.cluster).client.text(_log_of(pod), query)

    async def follow(self, app: App, pod: Pod, tail: int, container: str = "") -> AsyncGenerator[str, None]:
        """Its last lines and those to come (`aclosing`)."""
        query: Query = {"tailLines": tail, "follow": True, **_container(app, pod, container)}
        async with aclosing(self._clusters.site(app.cluster).client.follow(_log_of(pod), query)) as lines:
            async for line in lines:
                yield line

    async def happenings(self, app: App, instance: AppInstance) -> list[dict[str, Any]]:
        """What the cluster says of its controllers, pods and Services, the latest last."""
        site = self._clusters.site(app.cluster)
        mirror = site.mirror
        ours = {f"ReplicationController/{one.name}" for one in mirror.controllers(app.namespace, instance.id)}
        ours |= {f"Service/{one.name}" for one in mirror.services(app.namespace, instance.id)}
        pods = tuple(f"Pod/{one.name}-" for one in mirror.controllers(app.namespace, instance.id))
        found = await site.client.get(f"/api/v1/namespaces/{app.namespace}/events", {"limit": 500})
        told = [parsing.happening(each) for each in found["items"]]
        told = [each for each in told if each.about in ours or each.about.startswith(pods)]
        return [
            {
                "at": rfc3339(each.last_at), "about": each.about, "reason": each.reason, "message": each.message,
                "count": each.count, "warning": each.warning,
            }
            for each in sorted(told, key=lambda each: each.last_at or 0.0)
        ]  # fmt: skip


def _container(app: App, pod: Pod, named: str) -> dict[str, str]:
    """Which container: of a component its own; of templates the only one, unless one is named."""
    name = named or (pod.component if app.kind == "app" else "")
    return {"container": name} if name else {}


def _log_of(pod: Pod) -> str:
    return f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}/log"
