"""HTTP of tenants, who are the platform's to make: for administrators alone."""

from aiohttp import web

from paas_controller.base.clock import rfc3339
from paas_controller.base.principal import ADMINISTRATORS
from paas_controller.identity.schemas import ByTenant, TenantBody, TenantList, TenantShown
from paas_controller.identity.tenants import Tenant, Tenants
from paas_controller.web.answers import answer, would
from paas_controller.web.bodies import read_body
from paas_controller.web.queries import DryRun, read_query
from paas_controller.web.routing import ABOUT, API1, Route, Said
from paas_controller.web.schemas import Rehearsed, ToldOrRehearsed


def tenant_routes(tenants: Tenants) -> list[Route]:
    async def create(request: web.Request) -> web.Response:
        name = (await read_body(request, TenantBody)).name
        request[ABOUT] = name
        dry_run = read_query(request, DryRun).dry_run
        tenant = await tenants.create(name, dry_run=dry_run)
        return would("make a tenant", why=name) if dry_run else answer(_shown(tenant), 201)

    async def again(request: web.Request) -> web.Response:
        """The one that was made."""
        name = (await read_body(request, TenantBody)).name
        return answer(_shown(await tenants.get(name)), 201)

    async def listed(_: web.Request) -> web.Response:
        return answer({"items": [_shown(tenant) for tenant in await tenants.all()], "next": None})

    async def remove(request: web.Request) -> web.Response:
        name, dry_run = request.match_info["name"], read_query(request, DryRun).dry_run
        holders = await tenants.remove(name, dry_run=dry_run)
        tokens = f"the tokens of {', '.join(holders)}" if holders else ""
        if dry_run:
            return would("delete a tenant", why=f"{name}, and with it {tokens}" if tokens else name)
        return answer({"name": name, "msg": f"it is gone, and with it {tokens}" if tokens else "it is gone"})

    return [
        Route("POST", f"{API1}/tenants", create, ADMINISTRATORS,
              Said("Make a tenant.", {200: Rehearsed, 201: TenantShown}, body=TenantBody, query=DryRun), again),
        Route("GET", f"{API1}/tenants", listed, ADMINISTRATORS, Said("All tenants.", {200: TenantList})),
        Route("DELETE", f"{API1}/tenants/{{name}}", remove, ADMINISTRATORS,
              Said("Delete a tenant that has nothing left, and withdraw its tokens.", {200: ToldOrRehearsed},
                   query=DryRun, path=ByTenant, refusals=(409,))),
    ]  # fmt: skip


def _shown(tenant: Tenant) -> dict[str, str | None]:
    return {"name": tenant.name, "created_at": rfc3339(tenant.created_at)}
