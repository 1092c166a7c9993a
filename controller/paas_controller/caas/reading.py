"""What people look for next: the logs of an instance, and what its cluster says of it."""

import re
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from typing import Any

from paas_controller.base.clock import rfc3339
from paas_controller.base.errors import Conflict, Invalid, NotFound, PaasError, Retryable
from paas_controller.caas.app import App, AppInstance
from paas_controller.caas.cluster import parsing
from paas_controller.caas.cluster.client import FOLLOWERS
from paas_controller.caas.cluster.objects import Pod
from paas_controller.caas.cluster.request import Query
from paas_controller.caas.clusters import Clusters

LINES = 1000
OF_TENANT = 16
"""Logs that the tokens of one tenant may follow at once, of those that all may."""
_AGAIN = 5.0
_LONGEST = 1 << 20
_SEVERAL = re.compile(r"choose one of: \[([^]]*)\]")
_BEGINNING, _END = 58, 5
"""Characters that a pod's name has of its controller's, and those that the cluster adds."""


class Reading:
    """Asks the cluster at once; nothing of it is kept."""

    def __init__(self, clusters: Clusters) -> None:
        self._clusters = clusters
        self._following: dict[str, Counter[str]] = defaultdict(Counter)

    def pod(self, app: App, instance: AppInstance, component: str = "", name: str = "") -> Pod:
        """The pod whose log is meant: the youngest, unless one is named. NotFound, Conflict, Retryable."""
        mirror = self._clusters.mirror(app.cluster)
        mirror.require()
        if component and component not in instance.components:
            raise NotFound(f"{instance.name} has no component {component}; it has {', '.join(instance.components)}")
        pods = [pod for pod in mirror.pods(app.namespace, instance.id) if component in ("", pod.component)]
        if name:
            pods = [pod for pod in pods if pod.name == name]
        if not pods:
            whose = f"{instance.name}/{component}" if component else instance.name
            raise NotFound(f"{whose} has no pod {name}" if name else f"{whose} has no pod: nothing of it runs")
        components = sorted({pod.component for pod in pods})
        if len(components) > 1:
            raise Conflict(f"{instance.name} has several components; name one: {', '.join(components)}")
        return max(pods, key=lambda pod: (not pod.leaving, pod.started_at or 0.0, pod.name))

    async def log(self, app: App, pod: Pod, tail: int, container: str = "") -> str:
        """Its last lines, a mebibyte at most."""
        query: Query = {"tailLines": tail, "limitBytes": _LONGEST, **_container(app, pod, container)}
        try:
            return await self._clusters.site(app.cluster).client.text(_log_of(pod), query)
        except Invalid as error:
            raise _no_log(pod, container, error) from None

    @contextmanager
    def follower(self, app: App, tenant: str) -> Iterator[None]:
        """A place among those who follow logs of its cluster, for a token of this tenant. Retryable if none is left."""
        here = self._following[app.cluster]
        if here.total() >= FOLLOWERS:
            told = f"{FOLLOWERS} logs of the cluster {app.cluster} are followed already, and it takes no more"
            raise Retryable(f"{told}: try again later", after=_AGAIN)
        if tenant and here[tenant] >= OF_TENANT:
            told = f"{tenant} follows {OF_TENANT} logs of the cluster {app.cluster} already, and no tenant follows more"
            raise Retryable(f"{told}: end one", after=_AGAIN)
        here[tenant] += 1
        try:
            yield
        finally:
            here[tenant] -= 1

    async def follow(self, app: App, pod: Pod, tail: int, container: str = "") -> AsyncGenerator[str, None]:
        """Its last lines and those to come (`aclosing`)."""
        query: Query = {"tailLines": tail, "follow": True, **_container(app, pod, container)}
        async with aclosing(self._clusters.site(app.cluster).client.follow(_log_of(pod), query)) as lines:
            async for line in lines:
                yield line

    async def happenings(self, app: App, instance: AppInstance) -> list[dict[str, Any]]:
        """What the cluster says of its controllers, pods and Services, the latest last."""
        mirror = self._clusters.mirror(app.cluster)
        mirror.require()
        controllers = mirror.controllers(app.namespace, instance.id)
        ours = {f"ReplicationController/{one.name}" for one in controllers}
        ours |= {f"Service/{one.name}" for one in mirror.services(app.namespace, instance.id)}
        pods = {f"Pod/{f'{one.name}-'[:_BEGINNING]}" for one in controllers}
        since = min((one.made_at or 0.0 for one in controllers), default=0.0)  # before, others had these names
        path, client = f"/api/v1/namespaces/{app.namespace}/events", self._clusters.site(app.cluster).client
        told = [parsing.happening(each) for each in await client.all(path)]
        told = [each for each in told if each.about in ours or each.about[:-_END] in pods]
        told = [each for each in told if (each.last_at or since) >= since]
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


def _no_log(pod: Pod, container: str, error: Invalid) -> PaasError:
    """The cluster calls everything malformed that stands against a log."""
    said = error.message.partition(": ")[2]
    if container and "is not valid for pod" in said:
        return NotFound(f"the pod {pod.name} has no container {container}")
    if several := _SEVERAL.search(said):
        return Conflict(f"the pod {pod.name} has several containers; name one: {', '.join(several[1].split())}")
    return NotFound(f"the pod {pod.name} has no log: {said}")


def _log_of(pod: Pod) -> str:
    return f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}/log"
