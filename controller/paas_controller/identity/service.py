"""Tokens: issued, shown, redeemed, withdrawn."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import cast

from aiohttp import web
from aiohttp.hdrs import AUTHORIZATION
from sqlalchemy import Connection, Delete, delete, insert, select
from sqlmodel import SQLModel

from paas_controller.base.clock import Clock
from paas_controller.base.crypto import new_token, token_hash, write_secret
from paas_controller.base.errors import Conflict, NotFound, Refused, Unauthorized
from paas_controller.base.principal import Principal, Role
from paas_controller.identity.tables import require_tenant
from paas_controller.store.store import Store

JOIN_TOKEN_LIFE = 3600.0
_TOKEN = SQLModel.metadata.tables["token"]


class Identity:
    """All valid tokens, in memory by their hash; the database is written first."""

    def __init__(self, store: Store, clock: Clock, *, no_auth: bool = False) -> None:
        self._store = store
        self._clock = clock
        self._no_auth = no_auth
        self._known: dict[str, Principal] = {}
        self._shown: dict[str, Principal] = {}
        """The headers that were good, until any token is withdrawn: hashing costs more than the rest of it."""

    async def start(self, admin_file: Path) -> None:
        """Loads the tokens. Where the file or any administrator is missing, `admin` gets a new token, written there."""
        rows = await self._store.read(lambda c: c.execute(select(_TOKEN).where(_TOKEN.c.role != "join")).all())
        for row in rows:
            self._known[row.hash] = Principal(row.name, cast(Role, row.role), row.host, row.tenant)
        shown = await asyncio.to_thread(admin_file.exists)
        if shown and any(known.role == "administrator" for known in self._known.values()):
            with suppress(PermissionError):  # somebody else owns it, and decides
                await asyncio.to_thread(admin_file.chmod, 0o600)
            return
        token = await self.renew(Principal("admin", "administrator"))
        await asyncio.to_thread(write_secret, admin_file, token)

    @staticmethod
    def shown_hash(request: web.Request) -> str:
        """The hash of the token that this request shows."""
        return token_hash(request.headers.get(AUTHORIZATION, "").partition(" ")[2])

    def is_of(self, token: str, host: str) -> bool:
        """Whether it is a token of this host's agent."""
        principal = self._known.get(token_hash(token))
        return principal is not None and principal.host == host

    def authenticate(self, request: web.Request) -> Principal:
        """Who shows this bearer token; raises Unauthorized."""
        header = request.headers.get(AUTHORIZATION, "")
        return self._shown.get(header) or self._look(header)

    def _look(self, header: str) -> Principal:
        if self._no_auth and not header:
            return Principal("anybody", "administrator")
        scheme, _, token = header.partition(" ")
        # Looking up a hash leaks nothing of the token by its timing.
        principal = self._known.get(token_hash(token)) if scheme.lower() == "bearer" else None
        if principal is None:
            raise Unauthorized("this needs a valid token: Authorization: Bearer …")
        self._shown[header] = principal
        return principal

    def people(self) -> list[Principal]:
        """Whoever has a token and is no agent, by name."""
        return sorted((who for who in self._known.values() if not who.host), key=lambda who: who.name)

    async def issue(self, principal: Principal, *, dry_run: bool = False) -> str:
        """A new token for a person or a program; Conflict where the name has one, Refused where it would be an
        administrator of a tenant, or of one that there is not. A dry run's is good for nothing.
        """
        token = new_token()

        def write(connection: Connection) -> None:
            if connection.execute(select(_TOKEN).where(_TOKEN.c.name == principal.name, _TOKEN.c.host == "")).first():
                raise Conflict(f"{principal.name} has a token already; withdraw it first")
            self._keep_of_person(connection, token, principal)

        if dry_run:
            await self._store.rehearse(write)
            return token
        await self._store.write(write)
        self.admit(token, principal)
        return token

    async def renew(self, principal: Principal) -> str:
        """A new token for a person or a program, in place of the one that the name has."""
        token = new_token()

        def replace(connection: Connection) -> None:
            connection.execute(_of(principal.name))
            self._keep_of_person(connection, token, principal)

        await self._store.write(replace)
        self._forget_person(principal.name)
        self.admit(token, principal)
        return token

    def _keep_of_person(self, connection: Connection, token: str, principal: Principal) -> None:
        if principal.tenant and principal.role == "administrator":
            raise Refused("administrators are the platform's; a token of a tenant is an operator's or a viewer's")
        if principal.tenant:
            require_tenant(connection, principal.tenant)
        self.keep(connection, token, principal)

    async def remove(self, name: str, *, dry_run: bool = False) -> None:
        """From now on the token of this name is no good; the last administrator's stays. NotFound, Conflict."""

        def withdraw(connection: Connection) -> None:
            # Asked here: of two administrators who remove each other at once, the second is the last one by then.
            administrators = select(_TOKEN.c.name).where(_TOKEN.c.role == "administrator")
            if connection.execute(administrators).scalars().all() == [name]:
                raise Conflict(f"{name} is the last administrator; make another one first")
            if connection.execute(_of(name)).rowcount != 1:
                raise NotFound(f"nobody is called {name}")

        if dry_run:
            await self._store.rehearse(withdraw)
            return
        await self._store.write(withdraw)
        self._forget_person(name)

    def _forget_person(self, name: str) -> None:
        self._known = {known: who for known, who in self._known.items() if who.name != name or who.host}
        self._shown.clear()

    def keep(self, connection: Connection, token: str, principal: Principal, *, beside: str = "") -> None:
        """Stores a token's hash, in the caller's transaction; an agent's replaces all but the one `beside` it."""
        if principal.host:
            self.forget(connection, principal.host, but=beside)
        row = {"hash": token_hash(token), "role": principal.role, "name": principal.name, "host": principal.host}
        connection.execute(insert(_TOKEN), row | {"tenant": principal.tenant, "created_at": self._clock.time()})

    def admit(self, token: str, principal: Principal, *, beside: str = "") -> None:
        """From now on the token is good; called once it is stored."""
        if principal.host:
            self.withdraw(principal.host, but=beside)
        self._known[token_hash(token)] = principal

    def forget(self, connection: Connection, host: str, *, but: str = "") -> None:
        """Deletes the tokens of a host but the one of this hash, in the caller's transaction."""
        connection.execute(delete(_TOKEN).where(_TOKEN.c.host == host, _TOKEN.c.hash != but))

    def withdraw_tenant(self, tenant: str) -> None:
        """From now on no token of this tenant is good; called once they are deleted."""
        self._known = {known: who for known, who in self._known.items() if who.tenant != tenant}
        self._shown.clear()

    def withdraw(self, host: str, *, but: str = "") -> None:
        """From now on no token of this host is good but the one of this hash."""
        self._known = {known: who for known, who in self._known.items() if who.host != host or known == but}
        self._shown.clear()

    async def new_join_token(self) -> tuple[str, float]:
        """A token that enrols one host once, and when it ends (UTC seconds)."""
        token, now = new_token(), self._clock.time()
        row = {"hash": token_hash(token), "role": "join", "name": "join", "host": "", "created_at": now}
        row |= {"expires_at": now + JOIN_TOKEN_LIFE}

        def write(connection: Connection) -> None:
            connection.execute(delete(_TOKEN).where(_TOKEN.c.expires_at <= now))
            connection.execute(insert(_TOKEN), row)

        await self._store.write(write)
        return token, now + JOIN_TOKEN_LIFE

    def redeem(self, connection: Connection, join_token: str) -> None:
        """Uses up a join token, in the caller's transaction; raises Unauthorized."""
        valid = (_TOKEN.c.hash == token_hash(join_token), _TOKEN.c.role == "join")
        found = connection.execute(delete(_TOKEN).where(*valid, _TOKEN.c.expires_at > self._clock.time()))
        if found.rowcount != 1:
            raise Unauthorized("this join token is unknown, used or expired; make a new one with: paasctl host token")


def _of(name: str) -> Delete:
    """Deletes the token of a person or a program."""
    return delete(_TOKEN).where(_TOKEN.c.name == name, _TOKEN.c.host == "", _TOKEN.c.role != "join")
