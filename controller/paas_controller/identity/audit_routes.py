"""HTTP of the audit: it is read, and by administrators alone; no route changes it."""

from datetime import datetime
from typing import Annotated, Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from paas_controller.base.clock import rfc3339
from paas_controller.base.principal import ADMINISTRATORS, Role
from paas_controller.identity.audit import Audit
from paas_controller.web.answers import answer
from paas_controller.web.queries import Limit, Moment, Position, read_query
from paas_controller.web.routing import API, Route, Said
from paas_controller.web.schemas import Page


class AuditQuery(BaseModel):
    """Which rows, newest first."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    who: Annotated[str, Field(description="the name of a token's holder")] = ""
    since: Annotated[Moment | None, Field(description="as in 2026-06-28T00:00:00Z; at this moment or after")] = None
    until: Annotated[Moment | None, Field(description="before this moment")] = None
    limit: Limit = 100
    cursor: Annotated[Position | None, Field(description="next of the page before")] = None


class Audited(BaseModel):
    """One change that was asked for. `code` is empty where it was done; `about` is a name, or a host's id."""

    id: int
    at: datetime
    who: str
    role: Role
    tenant: Annotated[str, Field(description="whose token it was; empty for the platform's")]
    method: str
    path: str
    about: str
    sentence: str
    peer: Annotated[str, Field(alias="from", description="the address that it was asked from")]
    status: int
    code: str
    request_id: str


class AuditPage(Page[Audited]):
    """Some of the audit."""


def audit_routes(audit: Audit) -> list[Route]:
    async def read(request: web.Request) -> web.Response:
        asked = read_query(request, AuditQuery)
        since, until = (moment and moment.timestamp() for moment in (asked.since, asked.until))
        rows = await audit.page(who=asked.who, since=since, until=until, before=asked.cursor, limit=asked.limit)
        following = str(rows[-1].id) if len(rows) == asked.limit > 0 else None
        return answer({"items": [_shown(row) for row in rows], "next": following})

    said = Said("Who asked for which change, and how it was answered.", {200: AuditPage}, query=AuditQuery)
    return [Route("GET", f"{API}/audit", read, ADMINISTRATORS, said)]


def _shown(row: Any) -> dict[str, Any]:
    names = ("id", "who", "role", "tenant", "method", "path", "about", "sentence", "status", "code", "request_id")
    return {name: getattr(row, name) for name in names} | {"at": rfc3339(row.at), "from": row.peer}
