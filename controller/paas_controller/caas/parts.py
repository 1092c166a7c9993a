"""The room, put together; `app` gives it what lies below, and asks it for routes."""

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from functools import partial
from random import Random
from typing import Any

from sqlalchemy import Connection, insert, select
from sqlmodel import SQLModel

from paas_controller.base.clock import Clock
from paas_controller.base.settings import Settings
from paas_controller.caas.apps import Apps
from paas_controller.caas.clusters import Clusters
from paas_controller.caas.placing import Placing
from paas_controller.caas.ports.pools import Pools
from paas_controller.caas.ports.routes import port_routes
from paas_controller.caas.ports.service import Ports
from paas_controller.caas.reading import Reading
from paas_controller.caas.routes import caas_routes
from paas_controller.caas.service import Caas, Plans
from paas_controller.caas.settling import Settling
from paas_controller.caas.spaces import Spaces
from paas_controller.caas.story import Story
from paas_controller.caas.tending import Tending
from paas_controller.caas.views import Views
from paas_controller.caas.wishing import Wishing
from paas_controller.store.store import Store
from paas_controller.web.routing import Route

_CONTROLLER, _POOL = SQLModel.metadata.tables["controller"], SQLModel.metadata.tables["port_pool"]
_FORGET_EVERY = 5.0


class Room:
    """Apps and containers on the clusters of the settings."""

    def __init__(self, settings: Settings, store: Store, clock: Clock, dice: Random) -> None:
        self._settings, self._store, self._clock = settings, store, clock
        self._clusters, self._apps, self._ports = Clusters(settings.clusters, clock, dice), Apps(store), Ports(clock)
        self._settling = Settling(store, self._apps, self._ports, self._clusters)
        views = Views(self._apps, self._clusters, self._settling)
        placing = Placing(store, self._apps, self._ports, self._clusters, self._settling, clock)
        plans = Plans(settings.free_units, settings.free_ports)
        spaces = Spaces(self._clusters)
        wishing = Wishing(self._apps, self._clusters)
        self._caas = Caas(
            self._apps, self._clusters, spaces, placing, self._settling, views, wishing, clock, plans
        )  # fmt: skip
        self._tending = Tending(self._apps, self._clusters, spaces, views, self._settling, clock)
        self._story = Story(store, self._apps, self._clusters, views, self._settling, self._tending, clock=clock)
        self._clusters.changed, self._settling.ended = self._story.heard, self._story.ended
        self._pools = Pools(store, clock, settings.clusters, self._clusters.node_ports)

    async def start(self) -> None:
        """Loads what is kept and begins to watch."""
        await self._apps.start()
        self._clusters.controller = await self._store.write(_identity)
        await self._store.write(self._first_pools)
        await self._story.start()
        self._clusters.start()
        self._settling.start()

    async def stop(self) -> None:
        await self._tending.stop()
        await self._settling.stop()
        await self._clusters.stop()

    @property
    def loops(self) -> dict[str, Callable[[], Coroutine[Any, Any, None]]]:
        """What goes on for ever."""
        return {"story of apps": self._story.run, "ports of others": self._forget_foreign}

    def routes(self) -> list[Route]:
        return caas_routes(self._caas, Reading(self._clusters)) + port_routes(self._pools)

    def _first_pools(self, connection: Connection) -> None:
        """A cluster without a pool gets one of all ports that its settings allow."""
        known = set(connection.execute(select(_POOL.c.cluster)).scalars())
        for cluster in self._settings.clusters:
            if cluster.name not in known:
                first, last = cluster.range
                row = {"name": cluster.name, "cluster": cluster.name, "way": "node-port", "hosts": "[]"}
                connection.execute(
                    insert(_POOL), row | {"first": first, "last": last, "created_at": self._clock.time()}
                )

    async def _forget_foreign(self) -> None:
        while True:
            await asyncio.sleep(_FORGET_EVERY)
            for site in self._clusters.all:
                if site.mirror.fresh:
                    name, seen = site.settings.name, list(site.mirror.node_ports())
                    if await self._store.read(partial(self._ports.left_by_strangers, cluster=name, seen=seen)):
                        await self._store.write(partial(self._ports.forget_foreign, cluster=name, seen=seen))


def _identity(connection: Connection) -> str:
    """Which controller this is; it is decided once."""
    known = connection.execute(select(_CONTROLLER.c.id)).scalar()
    if known is None:
        known = f"c-{secrets.token_hex(6)}"
        connection.execute(insert(_CONTROLLER), {"id": known})
    return str(known)
