"""Tokens: issued, listed, removed, kept as hashes; and the administrator's that is always there."""

import asyncio
from pathlib import Path

import pytest

from paas_controller.base.errors import Conflict
from paas_controller.base.principal import Principal
from paas_controller.identity.service import Identity
from paas_controller.store.store import Store
from tests.controller.agents import Agent
from tests.controller.shell import Clock, Shell


async def _works(shell: Shell, token: str) -> bool:
    return (await shell.get("/database", token=token)).status == 200


async def test_a_token_is_shown_once_and_works_at_once(shell: Shell) -> None:
    made = await shell.post("/tokens", {"name": "portal", "role": "operator"})
    assert made.status == 201
    assert await _works(shell, made.body["token"])
    listed = await shell.get("/tokens")
    assert listed.body["items"] == [
        {"name": "admin", "role": "administrator", "tenant": ""},
        {"name": "portal", "role": "operator", "tenant": ""},
    ]
    assert made.body["token"] not in str(listed.body)


async def test_a_name_has_one_token(shell: Shell) -> None:
    await shell.token_of("viewer")
    again = await shell.post("/tokens", {"name": "some-viewer", "role": "operator"})
    assert (again.status, again.message) == (409, "some-viewer has a token already; withdraw it first")


async def test_a_removed_token_is_no_longer_good_now_or_after_a_restart(shell: Shell) -> None:
    token = await shell.token_of("viewer")
    assert (await shell.delete("/tokens/some-viewer")).status == 200
    assert not await _works(shell, token)
    await shell.restart()
    assert not await _works(shell, token)
    assert (await shell.delete("/tokens/some-viewer")).status == 404


async def test_the_last_administrator_stays(shell: Shell) -> None:
    refused = await shell.delete("/tokens/admin")
    assert refused.status == 409
    assert await _works(shell, shell.token)
    await shell.token_of("administrator")
    assert (await shell.delete("/tokens/admin")).status == 200


async def test_of_two_administrators_who_remove_each_other_at_once_one_stays(tmp_path: Path, database_url: str) -> None:
    store = await Store.open(database_url)
    identity = Identity(store, Clock())
    await identity.start(tmp_path / "admin.token")
    await identity.issue(Principal("other", "administrator"))
    first, second = await asyncio.gather(*map(identity.remove, ("admin", "other")), return_exceptions=True)
    await store.close()
    assert first is None
    assert isinstance(second, Conflict)
    assert second.message == "other is the last administrator; make another one first"
    assert [who.name for who in identity.people()] == ["other"]


@pytest.mark.parametrize(
    ("name", "role"),
    [("", "viewer"), ("a b", "viewer"), ("-a", "viewer"), ("x" * 129, "viewer"), ("a\n", "viewer"), ("a", "agent"),
     ("a", "join"), ("a", "")],
)  # fmt: skip
async def test_a_token_for_a_wrong_name_or_role_is_a_400(shell: Shell, name: str, role: str) -> None:
    assert (await shell.post("/tokens", {"name": name, "role": role})).status == 400


async def test_agents_are_no_people_and_cannot_be_removed_by_name(shell: Shell, joined: Agent) -> None:
    assert [who["name"] for who in (await shell.get("/tokens")).body["items"]] == ["admin"]
    assert (await shell.delete(f"/tokens/agent%20{joined.host}")).status == 404
    await joined.report()


async def test_the_administrators_token_is_the_files_and_the_owners_alone(shell: Shell) -> None:
    file = shell.folder / "admin.token"
    assert file.stat().st_mode & 0o777 == 0o600
    assert await _works(shell, file.read_text())


async def test_an_administrators_file_that_others_may_read_is_the_owners_alone_after_a_start(shell: Shell) -> None:
    file, before = shell.folder / "admin.token", shell.token
    file.chmod(0o644)
    await shell.restart()
    assert file.stat().st_mode & 0o777 == 0o600
    assert shell.token == before


async def test_the_administrators_token_stays_the_same_over_a_restart(shell: Shell) -> None:
    before = shell.token
    await shell.restart()
    assert shell.token == before
    assert await _works(shell, before)


async def test_a_missing_administrators_file_is_made_again_and_the_former_token_is_no_longer_good(shell: Shell) -> None:
    former = shell.token
    await shell.stop()
    (shell.folder / "admin.token").unlink()
    await shell.start()
    assert await _works(shell, shell.token)
    assert not await _works(shell, former)
    assert [who["name"] for who in (await shell.get("/tokens")).body["items"]] == ["admin"]
    assert (await shell.delete("/tokens/admin")).status == 409
    await shell.restart()
    assert await _works(shell, shell.token)
    assert not await _works(shell, former)


async def test_tokens_of_others_survive_a_restart(shell: Shell) -> None:
    token = await shell.token_of("operator")
    await shell.restart()
    assert await _works(shell, token)


BAD = ["Bearer", "Bearer ", "Bearer x", "Basic {}", "{}", "Bearer {}x", "Bearer  {}", "Bearer käse", "Bearer \udcff"]


@pytest.mark.parametrize("header", BAD)
async def test_what_is_no_bearer_token_is_a_401_that_says_what_is_wanted(shell: Shell, header: str) -> None:
    answer = await shell.get("/database", token="", headers={"Authorization": header.format(shell.token)})
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_the_scheme_is_read_in_any_case(shell: Shell) -> None:
    answer = await shell.get("/database", token="", headers={"Authorization": f"bearer {shell.token}"})
    assert answer.status == 200


async def test_without_authentication_everybody_is_an_administrator_but_no_agent(tmp_path: Path) -> None:
    shell = Shell(tmp_path, settings={"no_auth": True})
    await shell.start()
    assert (await shell.post("/tokens", {"name": "a", "role": "viewer"}, token="")).status == 201
    assert (await shell.get("/database", token="wrong")).status == 401
    assert (await shell.put("/database/db/check", {"code": "0"}, token="")).status == 403
    await shell.stop()
