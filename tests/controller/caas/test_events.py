"""GET /api/v1/events: what becomes of apps, to whom it concerns."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from tests.controller.caas.conftest import Portal, component
from tests.controller.identity.tenants import tenants_token


@asynccontextmanager
async def listening(portal: Portal, token: str, query: str = "") -> AsyncIterator[AsyncIterator[Any]]:
    """The changes, from the beginning of what is kept."""
    url = f"{str(portal.shell.address).rstrip('/')}/api/v1/events{query}"
    shown = {"Authorization": f"Bearer {token}", "Last-Event-ID": "0"}

    async def changes(response: aiohttp.ClientResponse) -> AsyncIterator[Any]:
        while True:
            async with asyncio.timeout(20):
                line = await response.content.readline()
            if line.startswith(b"data: "):
                yield json.loads(line.removeprefix(b"data: "))

    async with aiohttp.ClientSession() as session, session.get(url, headers=shown) as response:
        assert response.status == 200
        yield changes(response)


async def test_a_tenant_hears_of_its_own_apps_alone(portal: Portal) -> None:
    shell, other = portal.shell, Portal(portal.shell, portal.cluster, f"{portal.app}-other")
    tokens = {tenant: await tenants_token(shell, "viewer", tenant) for tenant in ("one", "two")}
    for each, tenant in ((other, "two"), (portal, "one")):
        await each.create(tenant=tenant)
        await each.put_in("web", component())
        await each.becomes("web", "web", "running")
        await each.call("PUT", "/instances/web/stopped")
        await each.becomes("web", "web", "stopped")
    for token, query, heard in (
        (tokens["one"], "", portal.app), (tokens["two"], "?kind=app", other.app),
        (shell.token, f"?kind=app&name={portal.app}", portal.app),
        (shell.token, f"?kind=app&name={other.app}/web", other.app),
    ):  # fmt: skip
        async with listening(portal, token, query) as changes:
            first = await anext(changes)
            assert (first["kind"], first["name"], first["host"]) == ("app", f"{heard}/web", "web")
            async for change in changes:
                assert change["name"] == f"{heard}/web"
                if change["to"] == "stopped":
                    break
    assert (await shell.get("//api/v1/events?kind=database", token=tokens["one"])).status == 400


async def test_each_tenant_hears_the_end_of_its_own_app_once_and_nothing_of_another_one_of_its_name(
    portal: Portal,
) -> None:
    tokens = {tenant: await tenants_token(portal.shell, "viewer", tenant) for tenant in ("one", "two")}
    for tenant in tokens:
        assert (await portal.create(tenant=tenant)).status == 201
        await portal.put_in("web", component())
        await portal.becomes("web", "web", "running")
        await portal.call("DELETE", "")
        await portal.is_gone("")
    for token in tokens.values():
        async with listening(portal, token) as changes:
            heard = [await anext(changes)]
            while heard[-1]["to"] != "gone":
                heard.append(await anext(changes))
            assert heard[0]["from"] == ""
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.5):
                    await anext(changes)
