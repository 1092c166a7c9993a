"""Apps and their instances, as the database has them: in memory, written first."""

import json
from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update
from sqlmodel import SQLModel

from paas_controller.base.errors import Conflict, NotFound, PaasError, Retryable
from paas_controller.base.principal import Principal
from paas_controller.caas import tables as _tables  # noqa: F401 - makes the tables known
from paas_controller.caas.app import App, AppInstance, Phase, called
from paas_controller.caas.component import named
from paas_controller.caas.ports.pool import Way
from paas_controller.identity.tables import require_tenant
from paas_controller.store.store import Store

_TAKEN: dict[Phase, str] = {
    "making": "is being made; wait until that is done",
    "there": "is there already",
    "going": "is being deleted; wait until that is done",
}
_APP, _INSTANCE = SQLModel.metadata.tables["app"], SQLModel.metadata.tables["app_instance"]
_POOL, _PORT = SQLModel.metadata.tables["port_pool"], SQLModel.metadata.tables["port"]


class Apps:
    """All apps by kind and name, and their instances by name."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._apps: dict[tuple[str, str], App] = {}
        self._namespaces: dict[tuple[str, str], App] = {}
        self._ordered: list[tuple[str, str]] = []

    async def start(self) -> None:
        """Loads what is kept."""
        apps, instances = await self._store.read(_load)
        for app in apps:
            self._take(app)
        by_id = {app.id: app for app in apps}
        for instance in instances:
            by_id[instance.app].instances[instance.name] = instance

    def all(self, kind: str = "") -> list[App]:
        """By kind and name."""
        return [self._apps[key] for key in self._ordered if kind in ("", key[0])]

    def after(self, kind: str, name: str, tenant: str) -> Iterator[App]:
        """Those of a kind by name that come after this one; those of a tenant, where one is given."""
        later = islice(self._ordered, bisect_right(self._ordered, (kind, name)), None)
        found = (self._apps[key] for key in later if key[0] == kind)
        return (app for app in found if tenant in ("", app.tenant))

    def find(self, kind: str, name: str, by: Principal) -> App:
        """The app; NotFound where there is none, and for those whom it does not concern."""
        app = self._apps.get((kind, name))
        if app is None or by.tenant not in ("", app.tenant):
            raise NotFound(f"there is no {called(kind)} {name}")
        return app

    def instance(self, app: App, name: str) -> AppInstance:
        """One of its instances; NotFound."""
        try:
            return app.instances[name]
        except KeyError:
            raise NotFound(f"{called(app.kind)} {app.name} has no instance {name}") from None

    def in_namespace(self, cluster: str, namespace: str) -> App | None:
        return self._namespaces.get((cluster, namespace))

    def known(self, app: App) -> App | None:
        """The app as it is now; None where it was forgotten, also where there is another one of its name."""
        now = self.in_namespace(app.cluster, app.namespace)
        return now if now and now.id == app.id else None

    async def add(self, app: App, *, dry_run: bool = False) -> App:
        """Writes a new app down. Conflict where the name is taken, Refused where there is no such tenant."""

        def write(connection: Connection) -> int:
            taken = select(_APP.c.phase).where(_APP.c.kind == app.kind, _APP.c.name == app.name)
            if phase := connection.execute(taken).scalar():
                raise Conflict(f"{called(app.kind)} {app.name} {_TAKEN[phase]}")
            if app.tenant:
                require_tenant(connection, app.tenant)
            connection.execute(insert(_APP), _row(app))
            made = select(_APP.c.id).where(_APP.c.kind == app.kind, _APP.c.name == app.name)
            return int(connection.execute(made).scalar_one())

        if dry_run:
            await self._store.rehearse(write)
            return app
        # What keeps the request company belongs to the commit that says that all is there.
        return self._take(replace(app, id=await self._store.write(write, alone=True)))

    async def change(self, app: App, *, alone: bool = False, **values: Any) -> App:
        """Writes new values of its columns. NotFound where it was deleted meanwhile."""
        changed = update(_APP).where(_APP.c.id == app.id).values(**values)
        await self._store.write(lambda c: c.execute(changed), alone=alone)
        now = self.known(app)
        if now is None:
            raise NotFound(f"{called(app.kind)} {app.name} was deleted meanwhile")
        return self._take(replace(now, **values))

    async def touch(self, app: App) -> None:
        """Writes what stands there already: Retryable where the database cannot, before a cluster is asked for more."""
        same = update(_APP).where(_APP.c.id == app.id).values(phase=_APP.c.phase)
        await self._store.write(lambda c: c.execute(same), alone=True)

    def going(self, app: App) -> App:
        """Has it known as one that goes; on the disk it may be `making` still, which leads to the same."""
        return self._take(replace(app, phase="going"))

    async def drop(self, app: App) -> None:
        """Forgets it."""
        await self._store.write(lambda c: c.execute(delete(_APP).where(_APP.c.id == app.id)), alone=True)
        del self._apps[app.kind, app.name], self._namespaces[app.cluster, app.namespace]
        del self._ordered[bisect_left(self._ordered, (app.kind, app.name))]

    def _take(self, app: App) -> App:
        if (app.kind, app.name) not in self._apps:
            insort(self._ordered, (app.kind, app.name))
        self._apps[app.kind, app.name] = self._namespaces[app.cluster, app.namespace] = app
        return app

    # Instances: rows are written in transactions of the caller, who has ports to write with them.

    def new_instance(self, connection: Connection, instance: AppInstance) -> None:
        """Conflict where the name is taken, or its app goes."""
        if connection.execute(select(_APP.c.phase).where(_APP.c.id == instance.app)).scalar() != "there":
            raise Conflict("its app is being deleted")
        others = select(_INSTANCE.c.name, _INSTANCE.c.phase, _INSTANCE.c.components)
        there = {row.name: row for row in connection.execute(others.where(_INSTANCE.c.app == instance.app))}
        if instance.name in there:
            raise taken(instance.name, there[instance.name].phase)
        _require_names(instance, {name: row.components for name, row in there.items()})
        row = {name: getattr(instance, name) for name in _INSTANCE.c.keys()}  # noqa: SIM118 - its columns
        connection.execute(insert(_INSTANCE), row | {"components": json.dumps(instance.components)})

    async def phase(self, app: App, instance: AppInstance, phase: Phase, *, alone: bool = False) -> AppInstance:
        """Writes how far it has come."""
        changed = update(_INSTANCE).where(_INSTANCE.c.id == instance.id).values(phase=phase)
        await self._store.write(lambda c: c.execute(changed), alone=alone)
        return self.admit(app, replace(instance, phase=phase))

    def forget_instance(self, connection: Connection, instance: AppInstance) -> None:
        connection.execute(delete(_INSTANCE).where(_INSTANCE.c.id == instance.id))

    def admit(self, app: App, instance: AppInstance) -> AppInstance:
        """Takes it into memory, after its row is committed."""
        app.instances[instance.name] = instance
        return instance


def taken(name: str, phase: Phase) -> PaasError:
    """Why a new instance cannot have this name, as long as there is one of it."""
    if phase != "there":
        return Retryable(
            f"the instance {name} is being {'deleted' if phase == 'going' else 'made, or taken back'}; wait"
        )
    told = f"there is an instance {name} already, and none is changed in place"
    return Conflict(f"{told}: delete it first, or take another name")


def of_tenant(connection: Connection, tenant: str) -> list[str]:
    """What is this tenant's, in the caller's transaction: `app shop`."""
    found = connection.execute(select(_APP.c.kind, _APP.c.name).where(_APP.c.tenant == tenant))
    return [f"{called(row.kind)} {row.name}" for row in found]


def _require_names(new: AppInstance, there: dict[str, str]) -> None:
    """Objects are called after instance and component: `a-b` with `c` would be what `a` with `b-c` is."""
    wanted = {named(new.name, component): component for component in new.components}
    for name, components in there.items():
        if name.startswith(f"{new.name}-") or new.name.startswith(f"{name}-"):
            for other in json.loads(components):
                if mine := wanted.get(called := named(name, other)):
                    told = f"{mine} of {new.name} would be called {called} in the cluster, as {other} of {name} is"
                    raise Conflict(f"{told}; give it another name")


def _row(app: App) -> dict[str, Any]:
    return {name: getattr(app, name) for name in App.__dataclass_fields__ if name not in ("id", "instances")}


def _load(connection: Connection) -> tuple[list[App], list[AppInstance]]:
    apps = [App(**row) for row in connection.execute(select(_APP)).mappings()]
    exports: defaultdict[str, list[tuple[str, Way]]] = defaultdict(list)
    taken = select(_PORT.c.instance, _PORT.c.component, _POOL.c.way).join(_POOL, _POOL.c.name == _PORT.c.pool)
    for instance, component, way in connection.execute(taken.where(_PORT.c.state == "taken")):
        exports[instance].append((component, way))
    rows: Iterable[dict[str, Any]] = (dict(row) for row in connection.execute(select(_INSTANCE)).mappings())
    return apps, [
        AppInstance(**row | {"components": tuple(json.loads(row["components"])), "exports": tuple(exports[row["id"]])})
        for row in rows
    ]
