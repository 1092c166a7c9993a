"""The SQL of port pools and of the ports that are not free."""

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, fields
from typing import Literal, cast

import msgspec
from sqlalchemy import ColumnElement, Connection, RowMapping, and_, delete, func, insert, select
from sqlmodel import SQLModel

from paas_controller.base.errors import NotFound
from paas_controller.caas import tables as _tables  # noqa: F401 - makes the tables known
from paas_controller.caas.ports.pool import Pool, PortHost, Way

State = Literal["taken", "reserved", "foreign"]
Key = tuple[str, int]
"""Host and port."""
_POOL, _PORT = SQLModel.metadata.tables["port_pool"], SQLModel.metadata.tables["port"]
_INSTANCE = SQLModel.metadata.tables["app_instance"]


@dataclass(frozen=True, slots=True)
class Busy:
    """A port that is not free, and who has it: a row. Times are UTC seconds."""

    cluster: str
    host: str
    port: int
    pool: str
    state: State
    owner: str
    instance: str = ""
    component: str = ""
    container_port: int = 0
    expires_at: float | None = None
    at: float | None = None


_COLUMNS = [_PORT.c[each.name] for each in fields(Busy)]


def pools(connection: Connection) -> list[Pool]:
    """All of them, by name."""
    return [_pool(row) for row in connection.execute(select(_POOL).order_by(_POOL.c.name)).mappings()]


def pool(connection: Connection, name: str) -> Pool:
    """NotFound where there is none."""
    row = connection.execute(select(_POOL).where(_POOL.c.name == name)).mappings().first()
    if row is None:
        raise NotFound(f"there is no port pool {name}")
    return _pool(row)


def locked(connection: Connection, cluster: str) -> list[Pool]:
    """The pools of a cluster by name. Until the transaction ends nobody else is given a port of them: a second writer
    waits here, and sees what the first one has written.
    """
    query = select(_POOL).where(_POOL.c.cluster == cluster).order_by(_POOL.c.name).with_for_update()
    return [_pool(row) for row in connection.execute(query).mappings()]


def add_pool(connection: Connection, pool: Pool) -> None:
    hosts = msgspec.json.encode(pool.hosts).decode()
    connection.execute(insert(_POOL), asdict(pool) | {"hosts": hosts})


def drop_pool(connection: Connection, name: str) -> None:
    """Together with what is reserved of it, and what is known of others' ports in it."""
    connection.execute(delete(_PORT).where(_PORT.c.pool == name))
    connection.execute(delete(_POOL).where(_POOL.c.name == name))


def taken(connection: Connection, cluster: str) -> list[Key]:
    """What instances have: of thousands no more than is needed to pass them over."""
    query = select(_PORT.c.host, _PORT.c.port).where(_PORT.c.cluster == cluster, _PORT.c.state == "taken")
    return cast(list[Key], connection.execute(query).all())


def count(connection: Connection, app: str) -> int:
    """How many the instances of an app have."""
    query = select(func.count()).select_from(_PORT).where(_PORT.c.owner == app, _PORT.c.state == "taken")
    return connection.execute(query).scalar_one()


def busy(
    connection: Connection, now: float, *, cluster: str = "", pool: str = "", app: str = "", but: State | None = None
) -> list[Busy]:
    """What is not free at this moment, by host and port: of a cluster, of a pool, or what an app has taken."""
    query = select(*_COLUMNS).where(_PORT.c.expires_at.is_(None) | (_PORT.c.expires_at > now))
    if cluster:
        query = query.where(_PORT.c.cluster == cluster)
    if pool:
        query = query.where(_PORT.c.pool == pool)
    if app:
        query = query.where(_PORT.c.owner == app, _PORT.c.state == "taken")
    if but:
        query = query.where(_PORT.c.state != but)
    found = connection.execute(query.order_by(_PORT.c.cluster, _PORT.c.host, _PORT.c.port))
    return [Busy(*row) for row in found.all()]


def names(connection: Connection, pool: str) -> dict[str, str]:
    """Of the instances that have ports of a pool, by their ids."""
    query = select(_INSTANCE.c.id, _INSTANCE.c.name).join(_PORT, _PORT.c.instance == _INSTANCE.c.id)
    return {row.id: row.name for row in connection.execute(query.where(_PORT.c.pool == pool))}


def add(connection: Connection, ports: Collection[Busy]) -> None:
    """Writes these. The key refuses one that somebody has."""
    if ports:
        connection.execute(insert(_PORT), [asdict(port) for port in ports])


def drop(connection: Connection, ports: Iterable[Busy]) -> None:
    for port in ports:
        connection.execute(delete(_PORT).where(_same(port)))


def drop_instance(connection: Connection, instance: str) -> None:
    connection.execute(delete(_PORT).where(_PORT.c.instance == instance, _PORT.c.state == "taken"))


def drop_expired(connection: Connection, cluster: str, now: float) -> None:
    connection.execute(delete(_PORT).where(_PORT.c.cluster == cluster, _PORT.c.expires_at <= now))


def _same(port: Busy) -> ColumnElement[bool]:
    return and_(_PORT.c.cluster == port.cluster, _PORT.c.host == port.host, _PORT.c.port == port.port)


def _pool(row: RowMapping) -> Pool:
    hosts = msgspec.json.decode(row["hosts"], type=tuple[PortHost, ...])
    return Pool(**{**row, "way": cast(Way, row["way"]), "hosts": hosts})
