"""A name may be one tenant's today and another's tomorrow: the keys and the answers of the one are not the other's."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from paas_controller.base.crypto import Vault
from paas_controller.base.principal import WRITERS, Principal
from paas_controller.migrations.schema import bring_up_to_date
from paas_controller.store.store import Store
from paas_controller.web.idempotency import Idempotency
from paas_controller.web.routing import PRINCIPAL, Hooks, Route, Said, application
from tests.controller.shell import Clock


def _who(request: web.Request) -> Principal:
    return Principal("ci", "operator", tenant=request.headers.get("Tenant", ""))


async def _whose(request: web.Request) -> web.Response:
    return web.json_response({"whose": request[PRINCIPAL].tenant})


@pytest.fixture
async def session(tmp_path: Path) -> AsyncIterator[aiohttp.ClientSession]:
    """Of an application whose one change answers with what is the caller's."""
    store = await Store.open(f"sqlite:///{tmp_path / 'controller.db'}", bring_up_to_date)
    once = Idempotency(store, Vault(tmp_path / "secret.key"), Clock())
    route = Route("PATCH", "/", _whose, WRITERS, Said("Answers.", {}), tenants=True)
    server = TestServer(application([route], _who, Hooks(once=once.around)))
    async with server, aiohttp.ClientSession(server.make_url("")) as session:
        yield session
    await store.close()


async def test_a_key_of_one_tenants_token_is_none_of_anothers_of_the_same_name(session: aiohttp.ClientSession) -> None:
    told = []
    for tenant in ("shop", "bank", "shop", ""):
        answer = await session.patch("/", headers={"Idempotency-Key": "1", "Tenant": tenant})
        told.append(((await answer.json())["whose"], answer.headers.get("Idempotency-Replayed")))
    assert told == [("shop", None), ("bank", None), ("shop", "true"), ("", None)]
