"""What becomes of components, as it happens: a row of the story for each new state, in the order of the cluster's."""

import asyncio
from collections import defaultdict
from functools import partial
from typing import Any, get_args

from paas_controller.base.clock import Clock
from paas_controller.caas.app import App, AppInstance, AppKind
from paas_controller.caas.apps import Apps
from paas_controller.caas.clusters import Clusters
from paas_controller.caas.reasons import Standing
from paas_controller.caas.settling import Settling
from paas_controller.caas.tending import Key, Tending
from paas_controller.caas.views import Views
from paas_controller.events import tables as events
from paas_controller.store.store import Store

_RESYNC = 60.0
"""Seconds after which everything is looked at although nothing was heard."""
Told = dict[tuple[str, str], Standing]
"""By the id of the instance and the component."""


class Story:
    """Hears of each change in the clusters; what follows from it is written down by `run`."""

    def __init__(
        self, store: Store, apps: Apps, clusters: Clusters, views: Views, settling: Settling, tending: Tending,
        *, clock: Clock,
    ) -> None:  # fmt: skip
        self._store, self._apps, self._clusters, self._views = store, apps, clusters, views
        self._settling, self._tending, self._clock = settling, tending, clock
        self._dirty: defaultdict[Key, set[str]] = defaultdict(set)
        self._news = asyncio.Event()
        self._told: Told = {}

    async def start(self) -> None:
        """Remembers what was told last, so that what changes while no controller runs is told as well."""
        for kind in get_args(AppKind):
            rows = await self._store.read(partial(events.latest, topic=kind))
            last = {(row["name"], row["host"]): row for row in rows}
            for app in self._apps.all(kind):
                for instance in app.instances.values():
                    for component in instance.components:
                        row = last.get((f"{app.name}/{instance.name}", component))
                        if row and row["at"] >= instance.created_at:
                            told = Standing(row["after"], row["why"], row["sentence"])
                            self._told[instance.id, component] = told

    def heard(self, cluster: str, kind: str, namespace: str, instance: str) -> None:
        """Something changed; a quota concerns all in its namespace."""
        self._dirty[cluster, namespace].add("" if kind in ("quota", "namespace") else instance)
        self._settling.heard(namespace, instance)
        self._news.set()

    async def run(self) -> None:
        """Follows what is heard, for ever."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            try:
                async with asyncio.timeout_at(due):
                    await self._news.wait()
            except TimeoutError:
                due = loop.time() + _RESYNC
                self._look_at_all()
            self._news.clear()
            dirty, self._dirty = self._dirty, defaultdict(set)
            for key, instances in dirty.items():
                self._tending.look(*key)  # first, for it needs no database
                await self._follow(key, instances)

    def _look_at_all(self) -> None:
        for app in self._apps.all():
            self._dirty[app.cluster, app.namespace].add("")
        there = {instance.id for app in self._apps.all() for instance in app.instances.values()}
        self._told = {key: standing for key, standing in self._told.items() if key[0] in there}

    async def _follow(self, key: Key, instances: set[str]) -> None:
        app = self._apps.in_namespace(*key)
        if app is None or app.phase != "there" or not self._clusters.mirror(app.cluster).fresh:
            return
        now, rows = self._news_of(app, instances)
        try:
            if rows:
                await self._store.write(partial(events.append, rows=rows))
        except BaseException:
            self._dirty[key] |= instances
            raise
        self._told |= now

    def _news_of(self, app: App, instances: set[str]) -> tuple[Told, list[dict[str, Any]]]:
        pool, now, rows = self._views.pool(app), Told(), list[dict[str, Any]]()
        for instance in list(app.instances.values()):
            if instance.phase == "there" and ("" in instances or instance.id in instances):
                for component, standing in self._views.standings(app, instance, pool).items():
                    now[instance.id, component] = standing
                    rows += self._row(app, instance, component, standing)
        return now, rows

    def _row(self, app: App, instance: AppInstance, component: str, now: Standing) -> list[dict[str, Any]]:
        before = self._told.get((instance.id, component))
        if before and (before.state, before.cause) == (now.state, now.cause):
            return []
        return [self._step(app, instance, component, after=now.state, why=now.cause, sentence=now.sentence)]

    def ended(self, app: App, instance: AppInstance, orphan: bool) -> list[dict[str, Any]]:
        """The last rows of an instance, to be written by whoever forgets it."""
        end = {"after": "gone", "why": "deleted", "sentence": "is deleted"}
        if orphan:
            end |= {"why": "forgotten", "sentence": "is forgotten here; its cluster has it still"}
        return [self._step(app, instance, component, **end) for component in instance.components]

    def _step(self, app: App, instance: AppInstance, component: str, **now: str) -> dict[str, Any]:
        before = self._told.get((instance.id, component))
        about = {"topic": app.kind, "name": f"{app.name}/{instance.name}", "host": component, "operation": ""}
        return (
            about | {"tenant": app.tenant} | {"at": self._clock.time(), "before": before.state if before else ""} | now
        )
