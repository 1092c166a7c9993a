"""A watch for each kind: list, then whatever changes from there, for ever. Each has a thread while it waits.

Of pods and replication controllers those that bear an instance's label: a quota already counts what others take of a
pool, and a large cluster has many others. Of services all: whoever has a node port, it is taken.
"""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from random import Random
from typing import Any

import msgspec

from paas_controller.base.errors import PaasError, Retryable
from paas_controller.caas.cluster.client import DEADLINE, Cluster
from paas_controller.caas.cluster.mirror import POOL, Mirror
from paas_controller.caas.cluster.parsing import Raw, version
from paas_controller.caas.cluster.refusals import Expired, Status, refusal
from paas_controller.caas.words import APP, INSTANCE, LIMITS

_log = logging.getLogger(__name__)
_PAGE = 500
_LASTS = 25
"""Seconds after which the API server ends a watch, and the next one begins where it ended."""
_SILENCE = _LASTS + DEADLINE
_ANEW = 600.0
"""Seconds after which all is listed once more: a cluster that was put back to an earlier state tells nobody."""
_SHORTEST, _LONGEST, _SOON = 0.1, 5.0, 0.1


@dataclass(frozen=True, slots=True)
class Kind:
    """What is watched, and which of it."""

    name: str
    path: str
    only: Mapping[str, str | int | bool]


_WARNINGS = "type=Warning,involvedObject.kind=ReplicationController"
KINDS = (
    Kind("namespace", "/api/v1/namespaces", {"labelSelector": APP}),
    Kind("quota", "/api/v1/resourcequotas", {"fieldSelector": f"metadata.name={POOL}"}),
    Kind("limits", "/api/v1/limitranges", {"fieldSelector": f"metadata.name={LIMITS}"}),
    Kind("controller", "/api/v1/replicationcontrollers", {"labelSelector": INSTANCE}),
    Kind("pod", "/api/v1/pods", {"labelSelector": INSTANCE}),
    Kind("service", "/api/v1/services", {}),
    Kind("happening", "/api/v1/events", {"fieldSelector": _WARNINGS}),
)


async def watch(cluster: Cluster, mirror: Mirror, dice: Random) -> None:
    """Keeps the mirror as the cluster is, until it is cancelled."""
    back = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for kind in KINDS:
            group.create_task(_Watch(cluster, mirror, kind, dice, back).run(), name=f"watch {cluster.name} {kind.name}")


class _Watch:
    """One kind: how far it has come (0: it begins with a list), and how long to wait after the next failure.

    The first one that is answered again tells the others by `back`. Until it is well itself, each heeds that once: a
    cluster that answers and fails by turns is not asked ever faster.
    """

    def __init__(self, cluster: Cluster, mirror: Mirror, kind: Kind, dice: Random, back: asyncio.Event) -> None:
        self._cluster, self._mirror, self._kind, self._dice = cluster, mirror, kind, dice
        self._at, self._anew, self._back = 0, 0.0, back
        self._well()

    def _well(self) -> None:
        self._pause, self._heeds = _SHORTEST, True

    async def run(self) -> None:
        while True:
            try:
                if not self._at or self._now() > self._anew:
                    await self._list()
                await self._follow()
            except PaasError as error:
                await self._failed(error)
            except Exception as error:  # an object that nobody foresaw must not end the watch
                _log.exception("watch of %s in the cluster %s", self._kind.name, self._cluster.name)
                self._at = 0
                await self._failed(Retryable(f"what it says cannot be read ({type(error).__name__})"))

    async def _failed(self, error: PaasError) -> None:
        """A past that was forgotten is no trouble, unless the list that follows is forgotten as well."""
        if isinstance(error, Expired):
            self._at = 0
        else:
            if self._mirror.stale_since is None:
                _log.warning("%s", error.message)
            self._mirror.broken(self._kind.name, error.message)
        await self._wait()
        self._pause = min(self._pause * 2, _LONGEST)

    async def _wait(self) -> None:
        """Until it is tried again: soon, where another one is answered meanwhile."""
        pause = self._pause * self._dice.uniform(0.5, 1.0)
        if not self._heeds:
            await asyncio.sleep(pause)
            return
        try:
            async with asyncio.timeout(pause):
                await self._back.wait()
        except TimeoutError:
            return
        self._heeds = False
        await asyncio.sleep(self._dice.uniform(0.0, _SOON))

    async def _list(self) -> None:
        found: list[Raw] = []
        query: dict[str, str | int | bool] = {**self._kind.only, "limit": _PAGE}
        while True:
            page = await self._cluster.get(self._kind.path, query)
            found += page.get("items") or ()
            if not (further := page["metadata"].get("continue")):
                break
            query["continue"] = further
        self._mirror.replace(self._kind.name, found, version(page))
        self._at, self._anew = version(page), self._now() + _ANEW * self._dice.uniform(0.5, 1.0)

    async def _follow(self) -> None:
        """Until the API server ends it, which it does in time. Retryable, Expired."""
        begun = self._now()
        query = {
            **self._kind.only, "watch": True, "allowWatchBookmarks": True, "timeoutSeconds": _LASTS,
            "resourceVersion": self._at,
        }  # fmt: skip
        async with aclosing(self._cluster.lines(self._kind.path, query, silence=_SILENCE)) as pieces:
            async for lines in pieces:
                self._answers()
                for line in lines:
                    self._hear(msgspec.json.decode(line))
                    self._well()
        if self._now() < begun + 1.0:
            raise Retryable(f"the cluster {self._cluster.name} ends its watches at once: what stands before it?")
        self._well()

    def _answers(self) -> None:
        was_stale = self._mirror.stale_since is not None
        if self._mirror.mended(self._kind.name):
            self._back.set()
            self._back.clear()  # whoever waits has been woken
        if was_stale and self._mirror.stale_since is None:
            _log.info("the cluster %s is watched again", self._cluster.name)

    def _hear(self, change: dict[str, Any]) -> None:
        raw, kind = change["object"], self._kind.name
        match change["type"]:
            case "ERROR":
                raise refusal(self._cluster.name, msgspec.convert(raw, Status))
            case "BOOKMARK":
                self._mirror.pass_by(kind, version(raw))
            case said:
                self._mirror.hear(kind, raw, gone=said == "DELETED")
        self._at = version(raw)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
