"""Tenants: made and deleted by administrators; their tokens end with them, and with nothing left behind."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from paas_controller.base.errors import Conflict, Refused
from paas_controller.base.principal import Principal
from paas_controller.identity.service import Identity
from paas_controller.identity.tables import require_tenant
from paas_controller.identity.tenants import Tenants
from paas_controller.migrations.schema import bring_up_to_date
from paas_controller.store.store import Store
from tests.controller.identity.tenants import TENANTS, tenants_token
from tests.controller.shell import Clock, Shell


async def _names(shell: Shell) -> list[str]:
    return [tenant["name"] for tenant in (await shell.get(TENANTS)).body["items"]]


async def _holders(shell: Shell) -> list[tuple[str, str, str]]:
    return [(who["name"], who["role"], who["tenant"]) for who in (await shell.get("/tokens")).body["items"]]


async def _is_known(shell: Shell, token: str) -> bool:
    return (await shell.get("//openapi.json", token=token)).status == 200


async def test_a_tenant_is_made_listed_and_deleted(shell: Shell) -> None:
    made = await shell.post(TENANTS, {"name": "shop"})
    assert (made.status, made.body) == (201, {"name": "shop", "created_at": "2026-06-28T10:00:00.000Z"})
    again = await shell.post(TENANTS, {"name": "shop"})
    assert (again.status, again.message) == (409, "there is a tenant shop already")
    await shell.post(TENANTS, {"name": "3d-prints"})
    await shell.restart()
    assert await _names(shell) == ["3d-prints", "shop"]
    assert (await shell.delete(f"{TENANTS}/shop")).body == {"name": "shop", "msg": "it is gone"}
    gone = await shell.delete(f"{TENANTS}/shop")
    assert (gone.status, gone.message) == (404, "there is no tenant shop")
    assert await _names(shell) == ["3d-prints"]


async def test_a_dry_run_makes_and_deletes_none(shell: Shell) -> None:
    assert (await shell.post(f"{TENANTS}?dry_run=true", {"name": "shop"})).body["steps"] == [
        {"host": "", "action": "make a tenant", "why": "shop"}
    ]
    assert await _names(shell) == []
    token = await tenants_token(shell)
    assert (await shell.delete(f"{TENANTS}/shop?dry_run=true")).body["steps"] == [
        {"host": "", "action": "delete a tenant", "why": "shop, and with it the tokens of shop-operator"}
    ]
    assert await _names(shell) == ["shop"]
    assert await _is_known(shell, token)


async def test_a_name_that_is_no_label_is_a_400(shell: Shell) -> None:
    told = "a tenant's name is 1 to 40 of a-z, 0-9 and -; it begins and ends with a letter or a digit"
    for name in ("", "-a", "a-", "Shop", "a.b", "a_b", "ü", "a\n", "x" * 41, "a b"):
        refused = await shell.post(TENANTS, {"name": name})
        assert (refused.status, refused.message) == (400, f"name: {told}")
        refused = await shell.post("/tokens", {"name": "x", "role": "viewer", "tenant": name})
        assert (refused.status, refused.message) == (400, f"tenant: {told}")


async def test_one_that_was_made_by_a_key_is_answered_again(shell: Shell) -> None:
    first, again = [await shell.post(TENANTS, {"name": "shop"}, headers={"Idempotency-Key": "1"}) for _ in range(2)]
    assert (again.status, again.body) == (first.status, first.body)


async def test_a_tenants_token_says_whose_it_is_and_is_the_same_after_a_restart(shell: Shell) -> None:
    token = await tenants_token(shell, "viewer")
    assert await _holders(shell) == [("admin", "administrator", ""), ("shop-viewer", "viewer", "shop")]
    for _ in range(2):
        refused = await shell.get("/database", token=token)
        assert refused.status == 403
        assert refused.message.startswith("shop-viewer has a token of the tenant shop: it is good for the apps")
        await shell.restart()


async def test_a_tenants_token_is_refused_the_stream_and_the_tunnel(shell: Shell) -> None:
    token = await tenants_token(shell)
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    upgrade |= {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    for path in ("/events", "/agents/tunnel"):
        refused = await shell.get(path, token=token, headers=upgrade)
        assert (refused.status, refused.body["error"]["code"]) == (403, "forbidden")
        assert "the rest is the platform's" in refused.message


async def test_administrators_are_the_platforms(shell: Shell) -> None:
    await shell.post(TENANTS, {"name": "shop"})
    for dry_run in ("", "?dry_run=true"):
        asked = {"name": "boss", "role": "administrator", "tenant": "shop"}
        refused = await shell.post(f"/tokens{dry_run}", asked)
        assert refused.status == 422
        told = "administrators are the platform's; a token of a tenant is an operator's or a viewer's"
        assert refused.message == told
    assert await _holders(shell) == [("admin", "administrator", "")]


async def test_a_token_of_a_tenant_that_there_is_not_is_refused(shell: Shell) -> None:
    refused = await shell.post("/tokens", {"name": "ci", "role": "operator", "tenant": "shop"})
    assert refused.status == 422
    assert refused.message == "there is no tenant shop; make it first: paasctl tenant create shop"


async def test_a_name_has_one_token_whosever_it_is(shell: Shell) -> None:
    await tenants_token(shell)
    for asked in ({"role": "viewer"}, {"role": "viewer", "tenant": "shop"}):
        again = await shell.post("/tokens", {"name": "shop-operator", **asked})
        assert (again.status, again.message) == (409, "shop-operator has a token already; withdraw it first")


async def test_its_tokens_end_with_a_tenant_now_and_after_a_restart_and_those_of_others_do_not(shell: Shell) -> None:
    ended = [await tenants_token(shell, role) for role in ("operator", "viewer")]
    others = [await tenants_token(shell, tenant="bank"), await shell.token_of("viewer")]
    assert [await _is_known(shell, token) for token in ended + others] == [True] * 4
    gone = await shell.delete(f"{TENANTS}/shop")
    assert gone.body["msg"] == "it is gone, and with it the tokens of shop-operator, shop-viewer"
    for _ in range(2):
        assert [await _is_known(shell, token) for token in ended + others] == [False, False, True, True]
        await shell.restart()
    assert [name for name, *_ in await _holders(shell)] == ["admin", "bank-operator", "some-viewer"]


async def test_the_audit_says_whose_token_it_was(shell: Shell) -> None:
    token = await tenants_token(shell)
    await shell.put("/database/db/running", token=token)
    refused, issued, made = (await shell.get("/audit")).body["items"]
    assert (refused["who"], refused["tenant"], refused["status"]) == ("shop-operator", "shop", 403)
    assert (issued["who"], issued["tenant"], issued["about"]) == ("admin", "", "shop-operator")
    assert (made["path"], made["about"]) == ("/api/v1/tenants", "shop")


class House:
    """Tenants on a database, and what belongs to them."""

    def __init__(self, store: Store) -> None:
        self.store, self.left = store, list[str]()
        self.identity = Identity(store, Clock())
        self.tenants = Tenants(store, self.identity, Clock(), [self._theirs, lambda *_: []])

    def _theirs(self, _: Connection, tenant: str) -> list[str]:
        return self.left if tenant == "shop" else []


@pytest.fixture
async def house(tmp_path: Path, database_url: str) -> AsyncIterator[House]:
    store = await Store.open(database_url, bring_up_to_date)
    house = House(store)
    await house.identity.start(tmp_path / "admin.token")
    await house.tenants.create("shop")
    yield house
    await store.close()


async def test_a_tenant_that_has_anything_left_stays_with_its_tokens(house: House) -> None:
    await house.identity.issue(Principal("ci", "operator", tenant="shop"))
    house.left = [f"app a{number}" for number in range(7)]
    for dry_run in (False, True):
        with pytest.raises(Conflict) as refused:
            await house.tenants.remove("shop", dry_run=dry_run)
        told = "the tenant shop still has app a0, app a1, app a2, app a3, app a4 and 2 more; delete that first"
        assert (refused.value.message, refused.value.details) == (told, house.left)
    assert [tenant.name for tenant in await house.tenants.all()] == ["shop"]
    assert [who.name for who in house.identity.people()] == ["admin", "ci"]
    house.left = []
    assert await house.tenants.remove("shop") == ["ci"]
    assert [who.name for who in house.identity.people()] == ["admin"]


async def test_what_is_made_for_a_tenant_while_it_is_deleted_is_refused(house: House) -> None:
    removed, issued = await asyncio.gather(
        house.tenants.remove("shop"), house.identity.issue(Principal("ci", "viewer", tenant="shop")),
        return_exceptions=True,
    )  # fmt: skip
    assert removed == []
    assert isinstance(issued, Refused)
    with pytest.raises(Refused, match="there is no tenant shop"):
        await house.store.write(lambda connection: require_tenant(connection, "shop"))
