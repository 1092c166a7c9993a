"""Tenants: companies and teams that have apps of their own."""

from dataclasses import dataclass
from datetime import datetime

from paas_client.change import Change, read
from paas_client.models import Answer, Page, Told
from paas_client.transport import API1, Call, Transport


class Tenant(Answer):
    """Tokens are given for it, and apps belong to it."""

    name: str
    created_at: datetime


@dataclass(frozen=True)
class Tenants:
    """All of them; for administrators alone."""

    transport: Transport

    def create(self, name: str) -> Change[Tenant]:
        """Conflict where the name is taken."""
        call = Call("POST", ("tenants",), body={"name": name}, api=API1)
        return Change(self.transport, call, Tenant.model_validate_json)

    async def all(self) -> list[Tenant]:
        return read(Page[Tenant].model_validate_json, (await self.transport.get("tenants", api=API1)).body).items

    def delete(self, name: str) -> Change[Told]:
        """Withdraws its tokens as well; Conflict while anything else is its own."""
        return Change(self.transport, Call("DELETE", ("tenants", name), api=API1), Told.model_validate_json)
