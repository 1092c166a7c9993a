"""Tenants: companies and teams that have apps of their own, and tokens that are good for those alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Connection, delete, insert, select
from sqlmodel import SQLModel

from paas_controller.base.clock import Clock
from paas_controller.base.errors import Conflict, NotFound
from paas_controller.identity.service import Identity
from paas_controller.store.store import Store

_TENANT, _TOKEN = SQLModel.metadata.tables["tenant"], SQLModel.metadata.tables["token"]


class Belongings(Protocol):
    """What belongs to a tenant, each as people call it (`app shop`), in the transaction of the caller.

    Declared here, implemented by the rooms that have it.
    """

    def __call__(self, connection: Connection, tenant: str) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Tenant:
    """`created_at` is UTC seconds."""

    name: str
    created_at: float


class Tenants:
    """All of them, as the database has them: they are seldom asked for."""

    def __init__(self, store: Store, identity: Identity, clock: Clock, belongings: Sequence[Belongings]) -> None:
        self._store, self._identity, self._clock, self._belongings = store, identity, clock, belongings

    async def all(self) -> list[Tenant]:
        """By name."""
        rows = await self._store.read(lambda c: c.execute(select(_TENANT).order_by(_TENANT.c.name)).all())
        return [Tenant(row.name, row.created_at) for row in rows]

    async def get(self, name: str) -> Tenant:
        """One of them; NotFound."""
        row = await self._store.read(lambda c: c.execute(select(_TENANT).where(_TENANT.c.name == name)).first())
        if row is None:
            raise NotFound(f"there is no tenant {name}")
        return Tenant(row.name, row.created_at)

    async def create(self, name: str, *, dry_run: bool = False) -> Tenant:
        """A new one; Conflict where the name is taken."""
        tenant = Tenant(name, self._clock.time())

        def write(connection: Connection) -> None:
            if connection.execute(select(_TENANT).where(_TENANT.c.name == name)).first():
                raise Conflict(f"there is a tenant {name} already")
            connection.execute(insert(_TENANT), {"name": name, "created_at": tenant.created_at})

        await (self._store.rehearse(write) if dry_run else self._store.write(write))
        return tenant

    async def remove(self, name: str, *, dry_run: bool = False) -> list[str]:
        """Whose tokens are withdrawn with it. NotFound, and Conflict while anything belongs to it."""

        def write(connection: Connection) -> list[str]:
            if connection.execute(delete(_TENANT).where(_TENANT.c.name == name)).rowcount != 1:
                raise NotFound(f"there is no tenant {name}")
            if left := [each for belongings in self._belongings for each in belongings(connection, name)]:
                raise Conflict(f"the tenant {name} still has {_some(left)}; delete that first", left)
            of_it = _TOKEN.c.tenant == name
            holders = connection.execute(select(_TOKEN.c.name).where(of_it).order_by(_TOKEN.c.name)).scalars().all()
            connection.execute(delete(_TOKEN).where(of_it))
            return list(holders)

        if dry_run:
            return await self._store.rehearse(write)
        holders = await self._store.write(write)
        self._identity.withdraw_tenant(name)
        return holders


def _some(names: Sequence[str]) -> str:
    """The first of them, in a sentence."""
    shown = ", ".join(names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown
