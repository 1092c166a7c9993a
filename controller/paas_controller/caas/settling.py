"""What is being deleted, and what was half made when something went wrong: ended here, however long it takes."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection

from paas_controller.base.errors import PaasError
from paas_controller.caas.app import App, AppInstance
from paas_controller.caas.apps import Apps
from paas_controller.caas.clusters import Clusters
from paas_controller.caas.ports.service import Ports
from paas_controller.caas.removal import Removal
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
_REMEMBERED = 600.0
"""Seconds in which what was never made whole is known again, should it come to the cluster after all."""
_UNMADE = "is being taken back: it was never made whole"
Ended = Callable[[App, AppInstance, bool], list[dict[str, Any]]]
"""The rows of the story that tell of the end of an instance; whether it is an orphan."""
_log = logging.getLogger(__name__)


@dataclass(eq=False)
class End:
    """Of an app, or of one instance of it. `late` where it was never made whole: the cluster may still make something
    that it was asked for. Of an `orphan` what the cluster has is left there.
    """

    app: App
    instance: AppInstance | None = None
    late: bool = False
    orphan: bool = False
    failed: asyncio.Event = field(default_factory=asyncio.Event)
    """Whether the last attempt failed."""
    task: asyncio.Task[None] = field(init=False)

    @property
    def key(self) -> str:
        return self.instance.id if self.instance else self.app.namespace

    def __str__(self) -> str:
        return f"{self.app.kind} {self.app.name}" + (f", instance {self.instance.name}," if self.instance else "")


class Settling:
    """One task for each app or instance that goes. `ended` is set before it is started."""

    def __init__(self, store: Store, apps: Apps, ports: Ports, clusters: Clusters) -> None:
        self._store, self._apps, self._ports, self._clusters = store, apps, ports, clusters
        self._ends: dict[str, End] = {}
        self._unmade: dict[str, tuple[float, End]] = {}
        """What was forgotten without ever being whole, and until when it is remembered all the same."""
        self._news: dict[str, asyncio.Event] = {}
        """By namespace, those that wait for what is heard there next; each is set once."""
        self.ended: Ended = lambda *_: []
        self.why: dict[str, str] = {}
        """On what the deletion of a namespace or an instance waits, by namespace or id."""
        self._removal = Removal(apps, clusters, self.why)

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
        for task in (tasks := [end.task for end in self._ends.values()]):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def heard(self, namespace: str, instance: str = "") -> None:
        """Something changed there. What was given up and comes all the same is deleted."""
        if news := self._news.pop(namespace, None):
            news.set()
        until, end = self._unmade.get(instance or namespace, (0.0, None))
        if end and _now() < until and end.key not in self._ends and self._removal.is_there(end.app, end.instance):
            _log.warning("%s comes after it was given up, and is deleted", end)
            self._begin(End(end.app, end.instance))

    async def news(self, namespace: str, seconds: float) -> None:
        """Waits for what is heard there next, so many seconds at most."""
        await heard_within(self._news.setdefault(namespace, asyncio.Event()), seconds)

    def app(self, app: App, *, late: bool = False) -> End:
        """Deletes its namespace, waits until that is gone, then forgets the app and frees its ports."""
        return self._begin(End(app, late=late))

    def instance(self, app: App, instance: AppInstance, *, late: bool = False) -> End:
        """The same of one instance."""
        return self._begin(End(app, instance, late))

    async def orphan(self, app: App) -> None:
        """Forgets it and frees its ports; what the cluster has of it is left there."""
        going = [end.task for end in self._ends.values() if end.app.id == app.id]
        for task in going:
            task.cancel()
        await asyncio.gather(*going, return_exceptions=True)
        await self._forget(End(app, orphan=True))
        self.why.pop(app.namespace, None)

    async def within(self, end: End) -> bool:
        """Whether it is gone within some seconds, or before an attempt fails; it goes on in any case."""
        failed = asyncio.create_task(end.failed.wait())
        await asyncio.wait([end.task, failed], timeout=_PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        failed.cancel()
        return end.task.done()

    def _begin(self, end: End) -> End:
        former = self._ends.get(end.key)
        if former and former.app.id == end.app.id:
            return former
        if former:
            former.task.cancel()  # of an app that had the name before
        self._ends[end.key] = end
        end.task = asyncio.create_task(self._settle(end), name=f"settle {end.key}")
        return end

    async def _settle(self, end: End) -> None:
        since, pause = _now(), _LOOK
        try:
            while True:
                news = self._news.setdefault(end.app.namespace, asyncio.Event())
                try:
                    if await self._try(end, since):
                        return
                    pause = _LOOK
                except PaasError as error:
                    since, pause = _now(), min(pause * 2, _LONGEST)
                    self._failed(end, error)
                await heard_within(news, pause)
        finally:
            if self._ends.get(end.key) is end:
                del self._ends[end.key]

    async def _try(self, end: End, since: float) -> bool:
        """Whether it is gone and forgotten."""
        if end.late:
            self.why.setdefault(end.key, _UNMADE)
        gone = await self._removal.gone(end.app, end.instance)
        end.failed.clear()
        if not gone:
            return False
        if end.late and _now() < since + _LATE:
            self.why[end.key] = _UNMADE
            return False
        await self._forget(end)
        self.why.pop(end.key, None)
        return not (end.late and self._removal.is_there(end.app, end.instance))

    def _failed(self, end: End, error: PaasError) -> None:
        if self.why.get(end.key) != error.message:
            _log.warning("%s goes, but: %s", end, error.message)
        self.why[end.key] = error.message
        end.failed.set()

    async def _forget(self, end: End) -> None:
        """Once: what comes after it was given up ends without a word."""
        app = end.app
        if end.late:
            self._unmade = {key: kept for key, kept in self._unmade.items() if _now() < kept[0]}
            self._unmade[end.key] = _now() + _REMEMBERED, end
        for each in [end.instance] if end.instance else list(app.instances.values()):
            known = app.instances.get(each.name)
            if known and known.id == each.id:
                await self._forget_instance(app, each, end.orphan)
        if not end.instance and self._apps.known(app):
            await self._apps.drop(app)

    async def _forget_instance(self, app: App, gone: AppInstance, orphan: bool) -> None:
        rows = self.ended(app, gone, orphan)

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


def _now() -> float:
    return asyncio.get_running_loop().time()
