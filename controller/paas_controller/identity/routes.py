"""HTTP of tokens. A token is in the answer to its making and nowhere else."""

from aiohttp import web

from paas_controller.base.principal import ADMINISTRATORS, Principal
from paas_controller.identity.schemas import ByHolder, HolderList, Issued, TokenBody
from paas_controller.identity.service import Identity
from paas_controller.web.answers import answer, would
from paas_controller.web.bodies import read_body
from paas_controller.web.queries import DryRun, read_query
from paas_controller.web.routing import ABOUT, API, Route, Said
from paas_controller.web.schemas import Rehearsed, ToldOrRehearsed


def token_routes(identity: Identity) -> list[Route]:
    async def create(request: web.Request) -> web.Response:
        body = await read_body(request, TokenBody)
        request[ABOUT] = body.name
        dry_run = read_query(request, DryRun).dry_run
        who = _principal(body)
        token = await identity.issue(who, dry_run=dry_run)
        if dry_run:
            return would("issue a token", why=", ".join(filter(None, (who.name, who.role, who.tenant))))
        return answer(_shown(who) | {"token": token}, 201)

    async def renew(request: web.Request) -> web.Response:
        """Another token in place of one that nobody was shown."""
        body = await read_body(request, TokenBody)
        token = await identity.renew(_principal(body))
        return answer(_shown(_principal(body)) | {"token": token}, 201)

    async def listed(_: web.Request) -> web.Response:
        return answer({"items": [_shown(who) for who in identity.people()], "next": None})

    async def remove(request: web.Request) -> web.Response:
        name, dry_run = request.match_info["name"], read_query(request, DryRun).dry_run
        await identity.remove(name, dry_run=dry_run)
        if dry_run:
            return would("withdraw a token", why=name)
        return answer({"name": name, "msg": "its token is no longer good"})

    return [
        Route("POST", f"{API}/tokens", create, ADMINISTRATORS,
              Said("Give somebody a token, which is shown this once.", {200: Rehearsed, 201: Issued},
                   body=TokenBody, query=DryRun, refusals=(409,)), renew),
        Route("GET", f"{API}/tokens", listed, ADMINISTRATORS, Said("Who has a token.", {200: HolderList})),
        Route("DELETE", f"{API}/tokens/{{name}}", remove, ADMINISTRATORS,
              Said("Withdraw a token; the last administrator's stays.", {200: ToldOrRehearsed}, query=DryRun,
                   path=ByHolder, refusals=(409,))),
    ]  # fmt: skip


def _principal(body: TokenBody) -> Principal:
    return Principal(body.name, body.role, tenant=body.tenant or "")


def _shown(who: Principal) -> dict[str, str]:
    return {"name": who.name, "role": who.role, "tenant": who.tenant}
