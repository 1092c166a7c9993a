"""HTTP of tokens. A token is in the answer to its making and nowhere else."""

from aiohttp import web

from paas_controller.base.principal import ADMINISTRATORS, Principal
from paas_controller.identity.schemas import TokenBody
from paas_controller.identity.service import Identity
from paas_controller.web.answers import answer
from paas_controller.web.bodies import read_body
from paas_controller.web.routing import API, Route


def token_routes(identity: Identity) -> list[Route]:
    async def create(request: web.Request) -> web.Response:
        body = await read_body(request, TokenBody)
        token = await identity.issue(Principal(body.name, body.role))
        return answer({"name": body.name, "role": body.role, "token": token}, 201)

    async def listed(_: web.Request) -> web.Response:
        items = [{"name": who.name, "role": who.role} for who in identity.people()]
        return answer({"items": items, "next": None})

    async def remove(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        await identity.remove(name)
        return answer({"name": name, "msg": "its token is no longer good"})

    return [
        Route("POST", f"{API}/tokens", create, ADMINISTRATORS),
        Route("GET", f"{API}/tokens", listed, ADMINISTRATORS),
        Route("DELETE", f"{API}/tokens/{{name}}", remove, ADMINISTRATORS),
    ]
