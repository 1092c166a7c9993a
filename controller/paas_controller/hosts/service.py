"""The registry of hosts: named by an instance or a person, enrolled by their agents."""

import asyncio
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from sqlalchemy import Connection, insert, select, update
from sqlmodel import SQLModel

from paas_agent.contract import TLS, agent_name
from paas_controller.base.clock import Clock
from paas_controller.base.crypto import Vault
from paas_controller.base.errors import Conflict, NotFound
from paas_controller.hosts.tables import HostRow
from paas_controller.identity.service import Identity
from paas_controller.store.store import Store

_HOST = SQLModel.metadata.tables["host"]

AgentState = Literal["absent", "online", "lost"]


@dataclass(frozen=True, slots=True)
class Following:
    """What takes the place of a host's tokens and enrolment once its agent has used it."""

    agent_hash: str
    controller_token: str
    enrolment: str


@dataclass(frozen=True, slots=True)
class Reach:
    """Where a host's agent is spoken to, by which token, and under which name its certificate has to be made out; an
    empty name is that of the address."""

    host: str
    url: str
    token: str
    name: str = ""


@dataclass(slots=True)
class Host:
    """A host as the controller knows it. `heard_at` is UTC seconds, in memory only; 0 where this run heard nothing."""

    id: str
    address: str
    port: str
    controller_token: str = ""
    enrolment: str = ""
    certificate_ends: float | None = None
    rotating: bool = False
    following: Following | None = None
    epoch: str = ""
    sequence: int = 0
    changes_seen: int = 0
    version: str = ""
    features: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    heard_at: float = 0.0
    lost: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def state(self) -> AgentState:
        if not self.controller_token or not self.epoch:
            return "absent"
        return "lost" if self.lost else "online"

    @property
    def url(self) -> str:
        address = f"[{self.address}]" if ":" in self.address else self.address
        return f"{'https' if TLS in self.features else 'http'}://{address}:{self.port}"

    @property
    def reach(self) -> Reach:
        named = self.enrolment and TLS in self.features
        return Reach(self.id, self.url, self.controller_token, agent_name(self.enrolment) if named else "")

    @property
    def names(self) -> list[str]:
        """To which its certificate may be made out: that of now, and that of a rotation which is under way."""
        enrolments = (self.enrolment, self.following.enrolment if self.following else "")
        return [agent_name(enrolment) for enrolment in enrolments if enrolment]

    @property
    def obstacle(self) -> str:
        """Why nothing can be sent to it; empty where it can."""
        if not self.controller_token:
            return f"{self.id} has no agent yet: run paas-agent join there, with a token from paasctl host token"
        if not self.epoch:
            return f"the agent of {self.id} has joined and not reported yet: is paas-agent run up there?"
        return f"{self.id} has not been heard of" if self.lost else ""


@dataclass(frozen=True, slots=True)
class NamedHost:
    """A host as an instance names it; `credentials` is the JSON of its `auth` entries, empty where it has none."""

    address: str
    port: str
    ssh_port: int
    credentials: str

    @property
    def id(self) -> str:
        return f"{self.address}:{self.port}"


class MembersOf(Protocol):
    """Which members stand on a host, as `kind/name`."""

    def __call__(self, host: str) -> list[str]: ...


class Hosts:
    """All hosts, in memory; the database is written first."""

    def __init__(self, store: Store, identity: Identity, vault: Vault, clock: Clock) -> None:
        self._store, self._identity, self._vault, self._clock = store, identity, vault, clock
        self._started_at = clock.time()
        self._hosts: dict[str, Host] = {}
        self._named: dict[str, Host] = {}
        """By each name that the host's certificate may be made out to."""

    async def start(self) -> None:
        """Loads the registry. All may be silent from now on as if just heard: a restarted controller loses nobody."""
        self._started_at = self._clock.time()
        for row in await self._store.read(lambda c: c.execute(select(_HOST)).all()):
            host = Host(row.id, row.address, row.port, epoch=row.epoch, sequence=row.sequence, version=row.version)
            host.changes_seen, host.features, host.facts = (
                row.changes_seen, tuple(row.features.split()), json.loads(row.facts)
            )  # fmt: skip
            self._hosts[host.id] = host
            self.change(
                host.id, rotating=row.rotating, enrolment=row.enrolment, certificate_ends=row.certificate_ends,
                controller_token=self._vault.open(row.controller_token) if row.controller_token else "",
                following=Following(**json.loads(self._vault.open(row.following))) if row.following else None,
            )  # fmt: skip

    def get(self, identifier: str) -> Host:
        if identifier not in self._hosts:
            raise NotFound(f"no host is called {identifier}; hosts are named address:port")
        return self._hosts[identifier]

    def at(self, address: str) -> list[Host]:
        """The hosts of this address."""
        return [host for host in self.all() if host.address == address]

    def named(self, name: str) -> Host | None:
        """The host to which a certificate of this name belongs now."""
        return self._named.get(name)

    def change(self, identifier: str, **values: Any) -> None:
        """Takes over what is committed of a host, by the names of its fields."""
        host = self._hosts[identifier]
        self._forget_names(host)
        for name, value in values.items():
            setattr(host, name, value)
        self._named |= dict.fromkeys(host.names, host)

    def _forget_names(self, host: Host) -> None:
        for name in host.names:
            self._named.pop(name, None)

    def obstacle(self, identifier: str) -> str:
        """Why nothing can be sent to a host, also to one that is only about to be named; empty where it can."""
        address, _, port = identifier.rpartition(":")
        return self._hosts.get(identifier, Host(identifier, address, port)).obstacle

    def heard(self, identifier: str) -> None:
        """Something came from this host."""
        host = self._hosts[identifier]
        host.heard_at, host.lost = self._clock.time(), False

    def silence(self, host: Host) -> float:
        """Seconds for which it could have been heard by this controller, and was not."""
        return self._clock.time() - max(host.heard_at, self._started_at)

    def all(self) -> list[Host]:
        return sorted(self._hosts.values(), key=lambda host: host.id)

    def name(self, connection: Connection, named: Iterable[NamedHost]) -> None:
        """Makes the rows of hosts that an instance names, in its transaction. Conflict on other credentials."""
        for host in named:
            row = connection.execute(select(_HOST).where(_HOST.c.id == host.id)).first()
            if row is None:
                connection.execute(insert(_HOST), self._row(host))
            elif host.credentials and row.credentials and self._vault.open(row.credentials) != host.credentials:
                raise Conflict(f"{host.id} is known with other credentials; change them at the host, not here")
            elif host.credentials and not row.credentials:
                sealed = self._vault.seal(host.credentials)
                connection.execute(update(_HOST).where(_HOST.c.id == host.id).values(credentials=sealed))

    def _row(self, host: NamedHost) -> dict[str, Any]:
        sealed = self._vault.seal(host.credentials) if host.credentials else ""
        row = HostRow(
            id=host.id, address=host.address, port=host.port, ssh_port=host.ssh_port, credentials=sealed,
            created_at=self._clock.time(),
        )  # fmt: skip
        return row.model_dump()

    def admit(self, named: Iterable[NamedHost]) -> None:
        """Takes named hosts into memory, after their rows are committed."""
        for host in named:
            self._hosts.setdefault(host.id, Host(host.id, host.address, host.port))

    async def add(self, named: NamedHost, *, dry_run: bool = False) -> Host:
        if named.id in self._hosts:
            raise Conflict(f"{named.id} is there already")
        if dry_run:
            return Host(named.id, named.address, named.port)
        await self._store.write(lambda c: self.name(c, [named]))
        self.admit([named])
        return self._hosts[named.id]

    async def remove(self, identifier: str, members: Sequence[str], *, dry_run: bool = False) -> None:
        """Forgets a host and withdraws token and certificate; Conflict while instances stand on it."""
        host = self.get(identifier)
        if members:
            raise Conflict(f"{identifier} has members; delete them first", list(members))
        if dry_run:
            return

        def forget(connection: Connection) -> None:
            self._identity.forget(connection, identifier)
            connection.execute(_HOST.delete().where(_HOST.c.id == identifier))

        await self._store.write(forget)
        self._identity.withdraw(identifier)
        self._forget_names(host)
        del self._hosts[host.id]
