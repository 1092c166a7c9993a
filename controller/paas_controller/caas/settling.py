"""What is being deleted, and what was half made when something went wrong: ended here, however long it takes."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from paas_controller.base.errors import NotFound, PaasError
from paas_controller.caas.apps import App, AppInstance, Apps
from paas_controller.caas.cluster.request import Query
from paas_controller.caas.clusters import Clusters, Site
from paas_controller.caas.owning import is_ours, stranger
from paas_controller.caas.ports.service import Ports
from paas_controller.caas.words import INSTANCE
from paas_controller.events import tables as events
from paas_controller.store.store import Store

_LOOK = 2.0
"""Seconds after which it is looked at again although nothing was heard."""
_PATIENCE = 10.0
"""Seconds that somebody waits for an end."""
_LONGEST = 10.0
"""Seconds after which a cluster that did not answer is asked again at the latest."""
_LATE = 5.0
"""Seconds in which a cluster that answers again may still do what it was asked for before."""
_KINDS = ("replicationcontrollers", "services", "pods")
_BACKGROUND = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
Ended = Callable[[App, AppInstance], list[dict[str, Any]]]
"""The rows of the story that tell of the end of an instance."""
_log = logging.getLogger(__name__)


class Settling:
    """One task for each app or instance that goes. `ended` is set before it is started."""

    def __init__(self, store: Store, apps: Apps, ports: Ports, clusters: Clusters) -> None:
        self._store, self._apps, self._ports, self._clusters = store, apps, ports, clusters
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._news: dict[str, asyncio.Event] = {}
        """By namespace, those that wait for what is heard there next; each is set once."""
        self.ended: Ended = lambda *_: []
        self.why: dict[str, str] = {}
        """On what the deletion of a namespace or an instance waits, by namespace or id."""

    def start(self) -> None:
        """Takes up what a former run left: nobody was told that it was made, or everybody that it goes."""
        for app in self._apps.all():
            if app.phase != "there":
                self.app(self._apps.going(app), late=app.phase == "making")
                continue
            for instance in list(app.instances.values()):
                if instance.phase != "there":
                    late = instance.phase == "making"
                    self.instance(app, self._apps.admit(app, replace(instance, phase="going")), late=late)

    async def stop(self) -> None:
        for task in (tasks := list(self._tasks.values())):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def heard(self, namespace: str) -> None:
        """Something changed there."""
        if news := self._news.pop(namespace, None):
            news.set()

    def app(self, app: App, *, late: bool = False) -> "asyncio.Task[None]":
        """Deletes its namespace, waits until that is gone, then forgets the app and frees its ports.

        `late` where the cluster may still make something that it was asked for.
        """
        return self._begin(app.namespace, app, None, late=_LATE if late else 0)

    def instance(self, app: App, instance: AppInstance, *, late: bool = False) -> "asyncio.Task[None]":
        """The same of one instance."""
        return self._begin(instance.id, app, instance, late=_LATE if late else 0)

    async def within(self, task: "asyncio.Task[None]") -> bool:
        """Whether it is gone within some seconds; it goes on in any case."""
        done, _ = await asyncio.wait([task], timeout=_PATIENCE)
        return bool(done)

    def _begin(self, key: str, app: App, instance: AppInstance | None, late: float) -> "asyncio.Task[None]":
        if key not in self._tasks:
            self._tasks[key] = task = asyncio.create_task(self._settle(key, app, instance, late), name=f"settle {key}")
            task.add_done_callback(lambda _: self._tasks.pop(key, None))
        return self._tasks[key]

    async def _settle(self, key: str, app: App, instance: AppInstance | None, late: float) -> None:
        loop, pause = asyncio.get_running_loop(), _LOOK
        since = loop.time()
        while True:
            news = self._news.setdefault(app.namespace, asyncio.Event())
            try:
                gone = await (self._instance_gone(app, instance) if instance else self._namespace_gone(app))
                if gone and loop.time() >= since + late:
                    await self._forget(app, instance)
                    self.why.pop(key, None)
                    return
                pause = _LOOK
            except PaasError as error:
                pause, since = min(pause * 2, _LONGEST), loop.time()
                if self.why.get(key) != error.message:
                    name = instance.name if instance else app.name
                    _log.warning("%s %s goes, but: %s", app.kind, name, error.message)
                self.why[key] = error.message
            await heard_within(news, pause)

    async def _namespace_gone(self, app: App) -> bool:
        site = self._clusters.site(app.cluster)
        path = f"/api/v1/namespaces/{app.namespace}"
        try:
            there = await site.client.get(path)
        except NotFound:
            return True
        if not is_ours(there, self._clusters.controller):
            return await self._emptied(app, stranger(app.cluster, there, self._clusters.controller))
        if "deletionTimestamp" not in there["metadata"]:
            await site.client.delete(path, _BACKGROUND)
        known = site.mirror.namespace(app.namespace)
        self.why[app.namespace] = (known.stuck if known else "") or f"the namespace {app.namespace} is being emptied"
        return False

    async def _emptied(self, app: App, told: str) -> bool:
        """Of a namespace that is somebody else's, or is ours no more, only what bears our instances' ids is deleted."""
        self.why[app.namespace] = told
        gone = [await self._instance_gone(app, each) for each in list(app.instances.values())]
        return all(gone)

    async def _instance_gone(self, app: App, instance: AppInstance) -> bool:
        site = self._clusters.site(app.cluster)
        await site.mirror.ready(_LOOK)
        left = _left(site, app.namespace, instance.id)
        for kind, name, leaving in left:
            if not leaving:
                try:
                    await site.client.delete(f"/api/v1/namespaces/{app.namespace}/{kind}/{name}", _BACKGROUND)
                except NotFound:
                    continue  # the mirror will hear of it
        if left:
            self.why[instance.id] = f"waits until {', '.join(f'{kind}/{name}' for kind, name, _ in left[:3])} is gone"
        return not left and not await _found(site, app.namespace, instance.id)

    async def _forget(self, app: App, instance: AppInstance | None) -> None:
        if instance is None:
            for each in list(app.instances.values()):
                await self._forget(app, each)
            await self._apps.drop(app)
            return
        gone, rows = instance, self.ended(app, instance)

        def forget(connection: Connection) -> None:
            self._ports.release(connection, gone.id)
            self._apps.forget_instance(connection, gone)
            events.append(connection, rows)

        await self._store.write(forget, alone=True)
        app.instances.pop(gone.name, None)
        self._clusters.changed(app.cluster, "namespace", app.namespace, "")  # it may need less than it did


async def heard_within(news: asyncio.Event, seconds: float) -> None:
    """Waits for news, so many seconds at most."""
    try:
        async with asyncio.timeout(seconds):
            await news.wait()
    except TimeoutError:
        return


async def _found(site: Site, namespace: str, instance: str) -> bool:
    """Whether the cluster itself still has something with its label; the mirror may be old."""
    for kind in _KINDS:
        asked: Query = {"labelSelector": f"{INSTANCE}={instance}", "limit": 1}
        if (await site.client.get(f"/api/v1/namespaces/{namespace}/{kind}", asked)).get("items"):
            return True
    return False


def _left(site: Site, namespace: str, instance: str) -> list[tuple[str, str, bool]]:
    """What is there with its label: kind, name, and whether it leaves by itself. Pods follow their controllers."""
    mirror = site.mirror
    controllers = [(_KINDS[0], one.name, one.leaving) for one in mirror.controllers(namespace, instance)]
    services = [(_KINDS[1], one.name, one.leaving) for one in mirror.services(namespace, instance)]
    pods = [(_KINDS[2], one.name, one.leaving or bool(controllers)) for one in mirror.pods(namespace, instance)]
    return controllers + services + pods
