"""HTTP of upgrades, and of the packages that agents fetch for them."""

from aiohttp import web

from paas_agent.manifest import PACKAGES
from paas_controller.base.errors import NotFound
from paas_controller.base.principal import AGENTS, WRITERS
from paas_controller.hosts.schemas import ByHost
from paas_controller.hosts.upgrade.schemas import ByDigest, UpgradeBody, UpgradePlan
from paas_controller.hosts.upgrade.service import Plan, Upgrades
from paas_controller.web.answers import answer, rehearsed, would
from paas_controller.web.bodies import read_body
from paas_controller.web.queries import DryRun, read_query
from paas_controller.web.repo import sent
from paas_controller.web.routing import ABOUT, API, PRINCIPAL, Route, Said
from paas_controller.web.schemas import Rehearsed, Told


def upgrade_routes(upgrades: Upgrades) -> list[Route]:
    async def one(request: web.Request) -> web.Response:
        identifier, dry_run = request.match_info["id"], read_query(request, DryRun).dry_run
        await upgrades.one(identifier, request[PRINCIPAL].name, dry_run=dry_run)
        if dry_run:
            return would("upgrade", identifier)
        told = "the agent is being upgraded; the host tells how far it is: GET it, or paasctl host show"
        return answer({"name": identifier, "msg": told}, 202)

    async def every(request: web.Request) -> web.Response:
        body, dry_run = await read_body(request, UpgradeBody), read_query(request, DryRun).dry_run
        request[ABOUT] = "all hosts"
        plan = await upgrades.every(body.batch, request[PRINCIPAL].name, dry_run=dry_run)
        if dry_run:
            return rehearsed(_steps(plan))
        left_out = [{"host": host, "why": why} for host, why in plan.left_out.items()]
        return answer({"wave": plan.wave, "batches": plan.batches, "left_out": left_out}, 202)

    async def package(request: web.Request) -> web.StreamResponse:
        path = upgrades.shelf.path(request.match_info["sha256"])
        if path is None:
            raise NotFound("this controller has no such package of the agent any more")
        return sent(request, path)

    return [
        Route("POST", f"{API}/hosts/upgrade", every, WRITERS,
              Said("Upgrade the agents of all hosts for which there is a newer one, in batches.",
                   {200: Rehearsed, 202: UpgradePlan}, body=UpgradeBody, query=DryRun, refusals=(409,))),
        Route("POST", f"{API}/hosts/{{id}}/upgrade", one, WRITERS,
              Said("Upgrade the agent of a host to the newest that there is.", {200: Rehearsed, 202: Told},
                   query=DryRun, path=ByHost, refusals=(409,))),
        Route("GET", f"{PACKAGES}{{sha256}}", package, AGENTS,
              Said("A package of the agent.", {200: "*/*", 206: "*/*", 304: None}, path=ByDigest,
                   refusals=(404, 412, 416), takes=("Range", "If-Match", "If-None-Match"), gives=("ETag",))),
    ]  # fmt: skip


def _steps(plan: Plan) -> list[dict[str, str]]:
    return [
        {"host": host, "action": "upgrade", "why": f"batch {number}"}
        for number, batch in enumerate(plan.batches)
        for host in batch
    ]
