"""What there is beside instances: operations, hosts, tokens, the audit."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from paas_client.change import Change, read
from paas_client.models import Answer, LogPiece, Operation, Page, Told
from paas_client.transport import ATTEMPTS, Call, Transport, Word

_PAGE = 200
Role = Literal["administrator", "operator", "viewer"]
Connection = Literal["direct", "tunnel", "auto"]
"""How orders reach an agent: called at its address, down the tunnel that it keeps, or by whichever works."""
Auth = Sequence[Mapping[str, str]]
"""Credentials: `username`, and `password` or `private_key`."""


class JoinToken(Answer):
    """Enrols one host, once."""

    join_token: str
    expires_at: datetime


class Bootstrap(Answer):
    """How far the installation over SSH has come: running, failed or done; the sentence says why, or what was done."""

    state: str
    phase: str
    sentence: str
    since: datetime
    failures: int
    next_try: datetime | None
    by: str


class Draining(Answer):
    """Who drains a host, and since when."""

    by: str
    since: datetime


class Pending(Answer):
    """A member (kind/name) that is not yet as it is to be on its host, and what it waits for."""

    member: str
    why: str


class Upgrade(Answer):
    """How far the upgrade of a host's agent has come, or how it went last."""

    state: str
    version: str
    sentence: str = ""
    since: datetime
    batch: int = 0


class LeftOut(Answer):
    """A host that is not upgraded."""

    host: str
    why: str


class UpgradePlan(Answer):
    """Which hosts are upgraded, batch after batch."""

    batches: list[list[str]]
    left_out: list[LeftOut] = Field(default_factory=list)


class Host(Answer):
    """One agent, by address and port. `members` (kind/name) and `pending` are answered for a single host only."""

    id: str
    state: str
    version: str = ""
    last_heard: datetime | None = None
    ssh_port: int = 22
    auth: list[dict[str, str]] = Field(default_factory=list)
    host_key: str = ""
    host_key_refused: str = ""
    bootstrap: Bootstrap | None = None
    connection: Connection = "direct"
    tunnel: bool = False
    certificate_ends: datetime | None = None
    rotating: bool = False
    facts: dict[str, Any] = Field(default_factory=dict)
    draining: Draining | None = None
    upgrade: Upgrade | None = None
    members: list[str] = Field(default_factory=list)
    pending: list[Pending] = Field(default_factory=list)


class Holder(Answer):
    """Somebody who has a token."""

    name: str
    role: str
    tenant: str = ""


class Issued(Holder):
    """A token that was just made; it is never answered again."""

    token: str


class Deed(Answer):
    """A change that somebody asked for, and how it was answered; `code` is empty where it was done."""

    id: int
    at: datetime
    who: str
    role: str
    tenant: str = ""
    method: str
    path: str
    about: str
    peer: str = Field(alias="from")
    status: int
    code: str
    sentence: str


@dataclass(frozen=True)
class Operations:
    """What ran, by id."""

    transport: Transport

    async def get(self, identifier: str) -> Operation:
        return read(Operation.model_validate_json, (await self.transport.get("operations", identifier)).body)

    async def log(self, identifier: str, offset: int = 0, *, attempts: int = ATTEMPTS) -> LogPiece:
        """Its output from this byte on. Unavailable while the host that keeps it is not heard of."""
        path, query = ("operations", identifier, "log"), {"offset": offset}
        answer = await self.transport.get(*path, query=query, attempts=attempts)
        return read(LogPiece.model_validate_json, answer.body)

    def cancel(self, identifier: str) -> Change[Operation]:
        """Has its agent end the script; the member is then left alone until there is a new wish."""
        return Change(self.transport, Call("DELETE", ("operations", identifier)), Operation.model_validate_json)


@dataclass(frozen=True)
class Hosts:
    """The registry; a host's id is address:port."""

    transport: Transport

    def new_join_token(self) -> Change[JoinToken]:
        return Change(self.transport, Call("POST", ("hosts", "join-tokens")), JoinToken.model_validate_json)

    async def all(self) -> list[Host]:
        return read(Page[Host].model_validate_json, (await self.transport.get("hosts")).body).items

    async def get(self, identifier: str) -> Host:
        return read(Host.model_validate_json, (await self.transport.get("hosts", identifier)).body)

    def add(
        self, address: str, agent_port: int, ssh_port: int | None = None, auth: Auth = (), *,
        connection: Connection = "direct",
    ) -> Change[Host]:  # fmt: skip
        """Names a host before anything stands on it. Conflict where it is there already."""
        body: dict[str, Any] = {"ip": address, "agent_port": agent_port, "connection": connection}
        body |= ({"ssh_port": ssh_port} if ssh_port else {}) | ({"auth": list(auth)} if auth else {})
        return Change(self.transport, Call("POST", ("hosts",), body=body), Host.model_validate_json)

    def edit(self, identifier: str, body: Mapping[str, Any]) -> Change[Host]:
        """Changes how a host is reached, by `connection`, and by `ssh_port` and `auth` for SSH; what is left out, or
        masked, stays as it is.
        """
        return Change(self.transport, Call("PUT", ("hosts", identifier), body=body), Host.model_validate_json)

    def bootstrap(self, identifier: str, accept_host_key: str = "") -> Change[Told]:
        """Has the agent installed over SSH, or brought up again, now. Conflict where no credentials are known, and
        where no SSH key with that fingerprint was refused.
        """
        body = {"accept_host_key": accept_host_key} if accept_host_key else {}
        return Change(
            self.transport, Call("POST", ("hosts", identifier, "bootstrap"), body=body), Told.model_validate_json
        )

    def drain(self, identifier: str, *, enabled: bool = True) -> Change[Told]:
        """Has what runs there stopped and nothing brought up, until it is sent with `enabled` false."""
        call = Call("POST", ("hosts", identifier, "drain"), body={"enabled": enabled})
        return Change(self.transport, call, Told.model_validate_json)

    def upgrade(self, identifier: str) -> Change[Told]:
        """Brings its agent to the newest version there is. Conflict where it has that, or cannot be upgraded."""
        return Change(self.transport, Call("POST", ("hosts", identifier, "upgrade")), Told.model_validate_json)

    def upgrade_all(self, batch: int = 10) -> Change[UpgradePlan]:
        """The same with all hosts for which there is a newer one: one first, then `batch` at once."""
        call = Call("POST", ("hosts", "upgrade"), body={"batch": batch})
        return Change(self.transport, call, UpgradePlan.model_validate_json)

    def rotate(self, identifier: str) -> Change[Told]:
        """Has its tokens and certificate replaced, with its next report. Conflict where it has no agent."""
        return Change(self.transport, Call("POST", ("hosts", identifier, "rotate")), Told.model_validate_json)

    def delete(self, identifier: str) -> Change[Told]:
        """Forgets a host; Conflict while instances stand on it."""
        return Change(self.transport, Call("DELETE", ("hosts", identifier)), Told.model_validate_json)


@dataclass(frozen=True)
class Tokens:
    """Who may speak to the controller; agents get theirs by joining."""

    transport: Transport

    def create(self, name: str, role: Role, tenant: str = "") -> Change[Issued]:
        """A new token, which is in this answer and nowhere else. Conflict where the name has one.

        With a tenant it is good for the apps of that tenant alone, and the role is operator or viewer.
        """
        call = Call("POST", ("tokens",), body={"name": name, "role": role} | ({"tenant": tenant} if tenant else {}))
        return Change(self.transport, call, Issued.model_validate_json)

    async def all(self) -> list[Holder]:
        return read(Page[Holder].model_validate_json, (await self.transport.get("tokens")).body).items

    def delete(self, name: str) -> Change[Told]:
        """Withdraws a token; Conflict for the last administrator's."""
        return Change(self.transport, Call("DELETE", ("tokens", name)), Told.model_validate_json)


@dataclass(frozen=True)
class Audit:
    """Who asked for which change."""

    transport: Transport

    async def all(self, *, who: str = "", since: str = "", until: str = "") -> AsyncIterator[Deed]:
        """Newest first; the moments are as RFC 3339 has them."""
        query: dict[str, Word] = {"who": who, "since": since, "until": until, "limit": _PAGE}
        while True:
            page = read(Page[Deed].model_validate_json, (await self.transport.get("audit", query=query)).body)
            for deed in page.items:
                yield deed
            if page.next is None:
                return
            query["cursor"] = page.next
