"""Hosts as rows: named by instances, by people and by their agents, and changed. All of it in the caller's transaction.

How SSH reaches a host belongs to the host: the first who says it is believed, and then it is changed at the host alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, update
from sqlmodel import SQLModel

from paas_controller.base.crypto import Vault
from paas_controller.base.errors import Conflict, NotFound
from paas_controller.hosts.credentials import as_text, of_text, unmasked
from paas_controller.hosts.schemas import HostChange
from paas_controller.hosts.tables import HostRow
from paas_controller.hosts.ways import Way

HOST = SQLModel.metadata.tables["host"]


@dataclass(frozen=True, slots=True)
class NamedHost:
    """A host as it is named; `credentials` is the JSON of its `auth` entries. 0 and empty are what nobody said."""

    address: str
    port: str
    ssh_port: int = 0
    credentials: str = ""
    way: Way = "direct"

    @property
    def id(self) -> str:
        return f"{self.address}:{self.port}"


def name(connection: Connection, vault: Vault, named: Iterable[NamedHost], now: float) -> None:
    """Makes the rows of hosts that are not there. Conflict where one is reached otherwise than it is said here."""
    for host in named:
        row = connection.execute(select(HOST).where(HOST.c.id == host.id)).first()
        if row is None:
            connection.execute(insert(HOST), _row(host, vault, now))
            continue
        _require_same(host, row, vault)
        if host.ssh_port and not row.ssh_port:
            _set(connection, host.id, ssh_port=host.ssh_port)
        if host.credentials and not row.credentials:
            _set(connection, host.id, credentials=vault.seal(host.credentials))


def _row(host: NamedHost, vault: Vault, now: float) -> dict[str, Any]:
    row = HostRow(id=host.id, address=host.address, port=host.port, ssh_port=host.ssh_port, created_at=now)
    row.way = host.way
    row.credentials = vault.seal(host.credentials) if host.credentials else ""
    return row.model_dump()


def _require_same(host: NamedHost, row: Any, vault: Vault) -> None:
    other = []
    if host.credentials and row.credentials and vault.open(row.credentials) != host.credentials:
        other.append("other credentials")
    if host.ssh_port and row.ssh_port and row.ssh_port != host.ssh_port:
        other.append(f"ssh_port {row.ssh_port}")
    if other:
        where = f"PUT /apis/v1alpha1/hosts/{host.id}, or paasctl host edit {host.id} -f FILE"
        raise Conflict(f"{host.id} is known with {' and '.join(other)}; change that at the host: {where}")


def edit(connection: Connection, vault: Vault, identifier: str, change: HostChange) -> NamedHost:
    """Changes how a host is reached; what the change does not say stays. NotFound, Invalid."""
    row = connection.execute(select(HOST).where(HOST.c.id == identifier)).first()
    if row is None:
        raise unknown(identifier)
    known = vault.open(row.credentials) if row.credentials else ""
    credentials = known if change.auth is None else as_text(unmasked("auth", change.auth, of_text(known)))
    after = NamedHost(row.address, row.port, change.ssh_port or row.ssh_port, credentials, change.connection or row.way)
    sealed = vault.seal(credentials) if credentials else ""
    _set(connection, identifier, ssh_port=after.ssh_port, credentials=sealed, way=after.way)
    return after


def _set(connection: Connection, identifier: str, **values: Any) -> None:
    connection.execute(update(HOST).where(HOST.c.id == identifier).values(values))


def unknown(identifier: str) -> NotFound:
    return NotFound(f"no host is called {identifier}; hosts are named address:port")
