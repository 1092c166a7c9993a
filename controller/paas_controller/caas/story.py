"""What becomes of components, as it happens: a row of the story for each new state, and a nudge where memory is free.

A controller of Kubernetes that was refused a pod tries again after ever longer pauses, up to a quarter of an hour. A
change of its annotations makes it look at once.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection

from paas_controller.base.clock import Clock, rfc3339
from paas_controller.base.errors import PaasError
from paas_controller.caas.apps import App, AppInstance, Apps
from paas_controller.caas.cluster.objects import Controller
from paas_controller.caas.clusters import Clusters
from paas_controller.caas.pool import Account, about_memory, fitting
from paas_controller.caas.reasons import Standing
from paas_controller.caas.settling import Settling
from paas_controller.caas.spaces import Spaces
from paas_controller.caas.views import Views
from paas_controller.caas.words import NUDGED
from paas_controller.events import tables as events
from paas_controller.store.store import Store

_RESYNC = 60.0
"""Seconds after which everything is looked at although nothing was heard."""
_AGAIN = 5.0
"""Seconds before a controller is nudged once more."""
_log = logging.getLogger(__name__)
Key = tuple[str, str]
"""Cluster and namespace."""


class Story:
    """Hears of each change in the clusters; what follows from it is written down and done by `run`."""

    def __init__(
        self, store: Store, apps: Apps, clusters: Clusters, views: Views, settling: Settling, clock: Clock
    ) -> None:
        self._store, self._apps, self._clusters, self._views = store, apps, clusters, views
        self._settling, self._clock, self._spaces = settling, clock, Spaces(clusters)
        self._dirty: defaultdict[Key, set[str]] = defaultdict(set)
        self._news = asyncio.Event()
        self._known: dict[tuple[str, str], Standing] = {}
        """By the id of the instance and the component."""
        self._nudged: dict[tuple[str, str], float] = {}

    def heard(self, cluster: str, kind: str, namespace: str, instance: str) -> None:
        """Something changed; a quota concerns all in its namespace."""
        self._dirty[cluster, namespace].add("" if kind in ("quota", "namespace") else instance)
        self._settling.heard(namespace)
        self._news.set()

    async def run(self) -> None:
        """Follows what is heard, for ever."""
        while True:
            try:
                async with asyncio.timeout(_RESYNC):
                    await self._news.wait()
            except TimeoutError:
                await self._look_at_all()
            self._news.clear()
            dirty, self._dirty = self._dirty, defaultdict(set)
            for (cluster, namespace), instances in dirty.items():
                app = self._apps.in_namespace(cluster, namespace)
                if app is not None and app.phase == "there" and self._clusters.site(cluster).mirror.fresh:
                    await self._follow(app, instances)

    async def _look_at_all(self) -> None:
        """Also puts right what somebody has changed behind our back."""
        for app in self._apps.all():
            self._dirty[app.cluster, app.namespace].add("")
            if app.phase == "there" and self._clusters.site(app.cluster).mirror.fresh and self._spaces.drifted(app):
                try:
                    await self._spaces.make(app)
                except PaasError as error:
                    _log.warning("the namespace of %s cannot be put right: %s", app.name, error.message)

    async def _follow(self, app: App, instances: set[str]) -> None:
        pool = self._views.pool(app)
        rows: list[dict[str, Any]] = []
        for instance in list(app.instances.values()):
            if instance.phase == "there" and ("" in instances or instance.id in instances):
                rows += self._steps(app, instance, self._views.standings(app, instance))
        if rows:
            await self._store.write(lambda connection: _append(connection, rows))
        await self._nudge(app, pool)

    def _steps(self, app: App, instance: AppInstance, now: dict[str, Standing]) -> Iterable[dict[str, Any]]:
        for component, standing in now.items():
            before = self._known.get((instance.id, component))
            self._known[instance.id, component] = standing
            if before is not None and (before.state, before.cause) != (standing.state, standing.cause):
                yield {
                    "at": self._clock.time(), "topic": app.kind, "name": f"{app.name}/{instance.name}",
                    "host": component, "before": before.state, "after": standing.state, "why": standing.cause,
                    "sentence": standing.sentence, "operation": "",
                }  # fmt: skip

    async def _nudge(self, app: App, pool: Account) -> None:
        """Has those look again at once who wait for memory that is free now, the oldest first."""
        site, free, now = self._clusters.site(app.cluster), pool.free, self._clock.monotonic()
        for controller in self._waiting(app):
            if not fitting(free, controller.memory, 1):
                continue
            free -= controller.memory
            key = controller.instance, controller.component
            if now - self._nudged.get(key, -_AGAIN) < _AGAIN:
                continue
            self._nudged[key] = now
            path = f"/api/v1/namespaces/{app.namespace}/replicationcontrollers/{controller.name}"
            try:
                said = {"metadata": {"annotations": {NUDGED: rfc3339(self._clock.time())}}}
                site.mirror.put(await site.client.patch(path, said))
            except PaasError as error:
                _log.warning("%s waits for memory, and cannot be told that there is some: %s", key, error.message)

    def _waiting(self, app: App) -> list[Controller]:
        ages = {instance.id: instance.created_at for instance in app.instances.values()}
        found = self._clusters.site(app.cluster).mirror.controllers(app.namespace)
        waiting = [one for one in found if one.failure and about_memory(one.failure) and not one.leaving]
        return sorted(waiting, key=lambda one: (ages.get(one.instance, 0.0), one.component))


def _append(connection: Connection, rows: list[dict[str, Any]]) -> None:
    events.append(connection, rows)
