"""HTTP of bootstrapping."""

from aiohttp import web

from paas_controller.base.principal import WRITERS
from paas_controller.hosts.bootstrap.schemas import BootstrapBody
from paas_controller.hosts.bootstrap.service import Bootstraps
from paas_controller.hosts.schemas import ByHost
from paas_controller.web.answers import answer, would
from paas_controller.web.bodies import read_body
from paas_controller.web.queries import DryRun, read_query
from paas_controller.web.routing import API, PRINCIPAL, Route, Said
from paas_controller.web.schemas import Rehearsed, Told


def bootstrap_routes(bootstraps: Bootstraps) -> list[Route]:
    async def bootstrap(request: web.Request) -> web.Response:
        identifier, body = request.match_info["id"], await read_body(request, BootstrapBody)
        dry_run = read_query(request, DryRun).dry_run
        await bootstraps.ask(identifier, request[PRINCIPAL].name, body.accept_host_key, dry_run=dry_run)
        if dry_run:
            return would("bootstrap", identifier, "by SSH, as the host's credentials say")
        return answer(
            {
                "name": identifier,
                "msg": "the agent is being installed; the host tells how far it is: GET it, or paasctl host show",
            },
            202,
        )

    said = Said(
        "Install the agent on a host over SSH, or bring it up again, now.",
        {200: Rehearsed, 202: Told}, body=BootstrapBody, query=DryRun, path=ByHost, refusals=(409,),
    )  # fmt: skip
    return [Route("POST", f"{API}/hosts/{{id}}/bootstrap", bootstrap, WRITERS, said)]
