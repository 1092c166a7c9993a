"""What is done for apps unasked: what somebody changed behind our back is put right, and who waits is nudged.

A controller of Kubernetes that was refused a pod tries again after ever longer pauses, up to a quarter of an hour. A
change of its annotations makes it look at once.
"""

import asyncio
import logging

from paas_controller.base.clock import Clock, rfc3339
from paas_controller.base.errors import PaasError, Retryable
from paas_controller.caas.app import App
from paas_controller.caas.apps import Apps
from paas_controller.caas.cluster.objects import Controller
from paas_controller.caas.cluster.refusals import Unable
from paas_controller.caas.clusters import Clusters
from paas_controller.caas.pool import about_memory, fitting
from paas_controller.caas.settling import Settling, heard_within
from paas_controller.caas.spaces import Spaces
from paas_controller.caas.views import Views
from paas_controller.caas.words import NUDGED

_AGAIN = 5.0
"""Seconds before a controller is nudged once more, and what was refused is tried again."""
_SOON = 0.5
"""Seconds before a cluster that did not answer is asked again."""
_log = logging.getLogger(__name__)
Key = tuple[str, str]
"""Cluster and namespace."""


class Tending:
    """One task for each app that something is to be done for; a cluster that does not answer holds up no other."""

    def __init__(
        self, apps: Apps, clusters: Clusters, spaces: Spaces, views: Views, settling: Settling, clock: Clock
    ) -> None:
        self._apps, self._clusters, self._spaces, self._views = apps, clusters, spaces, views
        self._settling, self._clock = settling, clock
        self._tasks: dict[Key, asyncio.Task[None]] = {}
        self._news: dict[Key, asyncio.Event] = {}
        self._nudged: dict[tuple[str, str], float] = {}

    def look(self, cluster: str, namespace: str) -> None:
        """Something changed there, or may have."""
        key = cluster, namespace
        if key in self._tasks:
            self._news[key].set()
            return
        self._news[key] = asyncio.Event()
        self._tasks[key] = asyncio.create_task(self._tend(key), name=f"tend {namespace}")

    async def stop(self) -> None:
        for task in (tasks := list(self._tasks.values())):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _tend(self, key: Key) -> None:
        news = self._news[key]
        try:
            while (pause := await self._look_after(key)) is not None or news.is_set():
                await heard_within(news, pause or 0.0)
                news.clear()
        finally:
            del self._tasks[key], self._news[key]

    async def _look_after(self, key: Key) -> float | None:
        """Seconds after which it has to be looked at again; None where all is well."""
        app = self._apps.in_namespace(*key)
        if app is None or app.phase != "there":
            return None
        try:
            await self._clusters.site(app.cluster).mirror.ready()
            await self._put_right(key)
            pause = await self._nudge(app)
        except PaasError as error:
            if self._settling.why.get(app.namespace) != error.message:
                _log.warning("%s %s is not as it should be: %s", app.kind, app.name, error.message)
            self._settling.why[app.namespace] = error.message
            return _SOON if isinstance(error, Retryable) and not isinstance(error, Unable) else _AGAIN
        self._settling.why.pop(app.namespace, None)
        return pause

    async def _put_right(self, key: Key) -> None:
        """Makes anew what somebody has changed behind our back. Forbidden while its namespace is being deleted."""
        app = self._apps.in_namespace(*key)
        if app is None:
            return
        async with self._spaces.alone(app):
            app = self._apps.in_namespace(*key)  # as it is when the one before has done
            if app and app.phase == "there" and self._spaces.drifted(app):
                self._spaces.require_staying(app)
                await self._spaces.make(app)

    async def _nudge(self, app: App) -> float | None:
        """Has those look again at once who wait for memory that is free now, the oldest first."""
        site, free = self._clusters.site(app.cluster), self._views.pool(app).free
        pause = None
        for controller in self._waiting(app):
            if not fitting(free, controller.memory, 1):
                continue
            free -= controller.memory
            pause = _AGAIN
            key, now = (controller.instance, controller.component), asyncio.get_running_loop().time()
            if now - self._nudged.get(key, -_AGAIN) < _AGAIN:
                continue
            path = f"/api/v1/namespaces/{app.namespace}/replicationcontrollers/{controller.name}"
            said = {"metadata": {"annotations": {NUDGED: rfc3339(self._clock.time())}}}
            site.mirror.put(await site.client.patch(path, said))
            self._nudged[key] = now
        return pause

    def _waiting(self, app: App) -> list[Controller]:
        found = self._views.controllers(app)
        return [one for one in found if one.failure and about_memory(one.failure) and not one.leaving]
