"""The registry of hosts: named by an instance or a person, enrolled by their agents."""

import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

from sqlalchemy import Connection, delete, select, update

from paas_controller.base.clock import Clock
from paas_controller.base.crypto import Vault
from paas_controller.base.errors import Conflict
from paas_controller.base.masking import masked_auth
from paas_controller.hosts import draining, naming
from paas_controller.hosts.bootstrap import progress
from paas_controller.hosts.host import Following, Host
from paas_controller.hosts.naming import HOST, NamedHost, unknown
from paas_controller.hosts.schemas import HostChange
from paas_controller.hosts.upgrade import course
from paas_controller.hosts.ways import Line
from paas_controller.identity.service import Identity
from paas_controller.store.store import Store

MISSED_REPORTS = 3
MISSED_AFTER_START = 12
"""The same for a host that this run has not heard yet: all come back at once, by new connections."""
Tell = Callable[[str], None]
"""Is told the id of a host."""
Note = Callable[[str, str, str, bool], Awaitable[None]]
"""Keeps a row of the audit: who, which host, the sentence, and whether it was done."""


class MembersOf(Protocol):
    """Which members stand on a host, as `kind/name`."""

    def __call__(self, host: str) -> list[str]: ...


class PendingOn(Protocol):
    """Which members on a host are not yet as they are to be there: `member`, and `why` it waits."""

    def __call__(self, host: str) -> list[dict[str, str]]: ...


class MembersIn(Protocol):
    """The same, as the database has it in the transaction of the caller."""

    def __call__(self, connection: Connection, host: str) -> list[str]: ...


class Hosts:
    """All hosts, in memory; the database is written first."""

    def __init__(
        self, store: Store, identity: Identity, vault: Vault, clock: Clock, interval: float, members_in: MembersIn
    ) -> None:
        self._store, self._identity, self._vault, self._clock = store, identity, vault, clock
        self._interval, self._members_in = interval, members_in
        self._started_at = clock.monotonic()
        self._hosts: dict[str, Host] = {}
        self._agent_at: dict[str, str] = {}
        """The port of the agent that joined last, by address: for those who name the address and another port."""
        self._named: dict[str, Host] = {}
        """By each name that the host's certificate may be made out to."""
        self.wanted: Tell = _nobody
        """Hears of a host on which there is work and which has no agent."""
        self.edited: Tell = _nobody
        """Hears of a host that SSH reaches otherwise from now on."""
        self.forgotten: Tell = _nobody
        """Hears of a host that is known no longer."""
        self.forgetful = False
        """Whether credentials are kept only until there is an agent."""

    async def start(self) -> None:
        """Loads the registry. All may be silent from now on as if just heard: a restarted controller loses nobody."""
        self._started_at = self._clock.monotonic()
        for row in await self._store.read(lambda c: c.execute(select(HOST)).all()):
            token = self._vault.open(row.controller_token) if row.controller_token else ""
            host = Host(row.id, row.address, row.port, token, row.ssh_port)
            host.auth = _masked(self._vault.open(row.credentials) if row.credentials else "")
            host.epoch, host.sequence, host.changes_seen = row.epoch, row.sequence, row.changes_seen
            host.version, host.features, host.facts = row.version, tuple(row.features.split()), json.loads(row.facts)
            host.way, host.host_key, host.host_key_refused = row.way, row.host_key, row.host_key_refused
            host.bootstrap, host.upgrade = progress.read(row.bootstrap), course.read(row.upgrade)
            host.draining = draining.of_text(row.draining)
            host.enrolment, host.certificate_ends, host.rotating = row.enrolment, row.certificate_ends, row.rotating
            self._hosts[host.id] = host
            following = Following(**json.loads(self._vault.open(row.following))) if row.following else None
            self.change(host.id, following=following)
            if token:
                self._agent_at[host.address] = host.port
        if self.forgetful:
            await self._forget_needless()

    async def _forget_needless(self) -> None:
        """Removes the credentials of hosts that have an agent, and none on its way."""
        needless = [host for host in self._hosts.values() if host.auth and self._needless(host)]
        of = HOST.c.id.in_([host.id for host in needless])
        if needless:
            await self._store.write(lambda c: c.execute(update(HOST).where(of).values(credentials="")))
        for host in needless:
            host.auth = []

    def _needless(self, host: Host | None) -> bool:
        under_way = host is not None and host.bootstrap is not None and host.bootstrap.state != "done"
        return self.forgetful and host is not None and host.enrolled and not under_way

    def _kept(self, named: Iterable[NamedHost]) -> list[NamedHost]:
        """The hosts, without credentials that are not to be kept."""
        return [replace(each, credentials="") if self._needless(self._hosts.get(each.id)) else each for each in named]

    def get(self, identifier: str) -> Host:
        if identifier not in self._hosts:
            raise unknown(identifier)
        return self._hosts[identifier]

    def find(self, identifier: str) -> Host | None:
        return self._hosts.get(identifier)

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

    def joined(self, identifier: str, **values: Any) -> None:
        """Its agent was enrolled, and is there."""
        self.change(identifier, **values)
        host = self._hosts[identifier]
        host.hang_up("its host has joined anew")
        host.heard_at, host.silent_since = self._clock.time(), self._clock.monotonic()
        self._agent_at[host.address] = host.port

    def opened(self, identifier: str, line: Line) -> None:
        """Its agent keeps this tunnel from now on, in the place of any other."""
        host = self.get(identifier)
        host.hang_up("another one of this host has taken its place")
        host.line = line

    def closed(self, identifier: str, line: Line) -> None:
        """It is gone; there may be another one by now."""
        host = self._hosts.get(identifier)
        if host is not None and host.line is line:
            host.line = None

    def _forget_names(self, host: Host) -> None:
        for name in host.names:
            self._named.pop(name, None)

    def obstacle(self, identifier: str) -> str:
        """Why nothing can be sent to a host, also to one that is only about to be named; empty where it can."""
        address, _, port = identifier.rpartition(":")
        host = self._hosts.get(identifier, Host(identifier, address, port))
        other = self._agent_at.get(host.address)
        if host.controller_token or not other:
            return host.obstacle
        return f'{host.obstacle}; or say "agent_port": {other}, where {host.address} has one'

    def heard(self, identifier: str) -> None:
        """Something came from this host."""
        host = self._hosts[identifier]
        host.hear(self._clock.time(), self._clock.monotonic())

    def silence(self, host: Host) -> float:
        """Seconds for which it could have been heard by this controller, and was not."""
        now = self._clock.monotonic()
        if host.silent_since >= self._started_at:
            return now - host.silent_since
        return max(0.0, now - self._started_at - (MISSED_AFTER_START - MISSED_REPORTS) * self._interval)

    @property
    def patience(self) -> float:
        """Seconds of silence after which a host is given up."""
        return MISSED_REPORTS * self._interval

    def all(self) -> list[Host]:
        return sorted(self._hosts.values(), key=lambda host: host.id)

    def name(self, connection: Connection, named: Iterable[NamedHost]) -> None:
        """Makes the rows of named hosts, in the caller's transaction. Conflict where one is reached otherwise."""
        naming.name(connection, self._vault, self._kept(named), self._clock.time())

    def admit(self, named: Iterable[NamedHost]) -> None:
        """Takes named hosts into memory, after their rows are committed."""
        for each in self._kept(named):
            host = self._hosts.setdefault(each.id, Host(each.id, each.address, each.port, way=each.way))
            host.ssh_port = host.ssh_port or each.ssh_port
            host.auth = host.auth or _masked(each.credentials)

    async def add(self, named: NamedHost, *, dry_run: bool = False) -> Host:
        """Names a host; Conflict where it is there already."""

        def write(connection: Connection) -> None:
            if connection.execute(select(HOST.c.id).where(HOST.c.id == named.id)).first():
                raise Conflict(f"{named.id} is there already")
            self.name(connection, [named])

        if dry_run:
            await self._store.rehearse(write)
            return Host(named.id, named.address, named.port, way=named.way)
        await self._store.write(write)
        self.admit([named])
        return self._hosts[named.id]

    async def edit(self, identifier: str, change: HostChange, *, dry_run: bool = False) -> Host:
        """Changes how SSH reaches a host. NotFound; Invalid for a mask with nothing behind it."""
        write = partial(naming.edit, vault=self._vault, identifier=identifier, change=change)
        if dry_run:
            await self._store.rehearse(write)
            return self._hosts[identifier]
        after = await self._store.write(write)
        host = self._hosts[identifier]
        host.ssh_port, host.auth, host.way = after.ssh_port, _masked(after.credentials), after.way
        if host.way == "direct":
            host.hang_up("this host is called at its address from now on")
        self.edited(identifier)
        return host

    async def remove(self, identifier: str, *, dry_run: bool = False) -> None:
        """Forgets a host and withdraws token and certificate; Conflict while instances stand on it."""

        def forget(connection: Connection) -> None:
            # Asked here: whoever creates an instance at this moment is written either before this, or after it.
            if members := self._members_in(connection, identifier):
                raise Conflict(f"{identifier} has members; delete them first", members)
            self._identity.forget(connection, identifier)
            if connection.execute(delete(HOST).where(HOST.c.id == identifier)).rowcount != 1:
                raise unknown(identifier)

        if dry_run:
            await self._store.rehearse(forget)
            return
        await self._store.write(forget)
        self._identity.withdraw(identifier)
        gone = self._hosts.pop(identifier)
        self.forgotten(identifier)
        self._forget_names(gone)
        gone.hang_up("this host was removed")
        if self._agent_at.get(gone.address) == gone.port:
            del self._agent_at[gone.address]


def _nobody(_: str) -> None:
    """Where nothing is installed over SSH."""


def _masked(credentials: str) -> list[dict[str, Any]]:
    return masked_auth(json.loads(credentials)) if credentials else []
