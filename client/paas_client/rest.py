"""What there is beside instances: operations, hosts, tokens, the audit."""

from dataclasses import dataclass
from typing import Literal

from paas_client.change import Change, read
from paas_client.models import Deed, Holder, Host, Issued, JoinToken, LogPiece, Operation, Page, Told
from paas_client.transport import ATTEMPTS, Call, Query, Transport

Role = Literal["administrator", "operator", "viewer"]


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

    def add(self, address: str, agent_port: int, ssh_port: int) -> Change[Host]:
        """Names a host before anything stands on it. Conflict where it is there already."""
        body = {"ip": address, "agent_port": agent_port, "ssh_port": ssh_port}
        return Change(self.transport, Call("POST", ("hosts",), body=body), Host.model_validate_json)

    def delete(self, identifier: str) -> Change[Told]:
        """Forgets a host; Conflict while instances stand on it."""
        return Change(self.transport, Call("DELETE", ("hosts", identifier)), Told.model_validate_json)


@dataclass(frozen=True)
class Tokens:
    """Who may speak to the controller; agents get theirs by joining."""

    transport: Transport

    def create(self, name: str, role: Role) -> Change[Issued]:
        """A new token, which is in this answer and nowhere else. Conflict where the name has one."""
        call = Call("POST", ("tokens",), body={"name": name, "role": role})
        return Change(self.transport, call, Issued.model_validate_json)

    async def all(self) -> list[Holder]:
        return read(Page[Holder].model_validate_json, (await self.transport.get("tokens")).body).items

    def delete(self, name: str) -> Change[Told]:
        """Withdraws a token; Conflict for the last administrator's."""
        return Change(self.transport, Call("DELETE", ("tokens", name)), Told.model_validate_json)


@dataclass(frozen=True)
class Audit:
    """Who did what."""

    transport: Transport

    async def page(self, *, who: str = "", since: str = "", limit: int = 100, cursor: str = "") -> Page[Deed]:
        """Newest first; `since` is a moment as RFC 3339 has it."""
        query: Query = {"who": who, "since": since, "limit": limit, "cursor": cursor}
        return read(Page[Deed].model_validate_json, (await self.transport.get("audit", query=query)).body)
