"""Idempotency-Key: asked twice, done once, answered alike; over a restart and over a kill at the worst moment, too."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from paas_controller.base.errors import Retryable
from paas_controller.identity.service import Identity
from paas_controller.software.keeping import InEarnest
from paas_controller.web import tables
from paas_controller.web.idempotency import Idempotency
from tests.controller.agents import Agent
from tests.controller.conftest import database_url  # noqa: F401 - what is kept is tried on both databases
from tests.controller.shell import Answer, Shell, body, until

KEY = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
DAY = 86400.0


def replayed(answer: Answer) -> bool:
    return bool(answer.headers.get("Idempotency-Replayed") == "true")


async def twice(shell: Shell, method: str, path: str, document: Any = None) -> tuple[Answer, Answer]:
    first = await shell.call(method, path, document, headers=KEY)
    again = await shell.call(method, path, document, headers=KEY)
    assert not replayed(first)
    return first, again


def same(first: Answer, again: Answer) -> None:
    assert replayed(again)
    assert (again.status, again.body) == (first.status, first.body)
    assert again.headers["Content-Type"] == first.headers["Content-Type"]
    assert again.headers.get("ETag") == first.headers.get("ETag")


async def test_the_same_again_gets_the_first_answer_secrets_and_tag_included(shell: Shell) -> None:
    asked = body(metadata={"APP_PASSWD": "MYSQL123"})
    first, again = await twice(shell, "POST", "/database/create", asked)
    assert first.status == 201
    assert first.headers["ETag"]
    same(first, again)
    assert again.body["app"]["metadata"]["APP_PASSWD"] == "MYSQL123"


async def test_what_was_done_is_not_done_again(shell: Shell, joined: Agent) -> None:
    await shell.create(joined.host, status={"realtime": "running"})
    await joined.sees("running")
    first = await shell.put("/database/db/restart", headers=KEY)
    await joined.obeys("restart")
    same(first, await shell.put("/database/db/restart", headers=KEY))
    await joined.report()
    assert [action for action, _ in joined.orders] == ["restart"]


async def test_a_token_is_made_once_and_shown_again(shell: Shell) -> None:
    first, again = await twice(shell, "POST", "/tokens", {"name": "portal", "role": "viewer"})
    same(first, again)
    assert (await shell.get("/database", token=again.body["token"])).status == 200


async def test_a_refusal_is_an_answer_too(shell: Shell) -> None:
    first, again = await twice(shell, "PUT", "/database/db/running")
    assert first.status == 404
    await shell.create()
    same(first, await shell.put("/database/db/running", headers=KEY))
    assert again.body == first.body


async def test_another_body_or_another_path_is_refused(shell: Shell) -> None:
    assert (await shell.post("/database/create", body(), headers=KEY)).status == 201
    for answer in (
        await shell.post("/database/create", body("other"), headers=KEY),
        await shell.post("/middleware/create", body(), headers=KEY),
        await shell.post("/database/create?dry_run=true", body(), headers=KEY),
        await shell.put("/database/db/running", headers=KEY),
    ):
        assert (answer.status, answer.message) == (
            422, "this Idempotency-Key was used for another request; take a new key for each thing that you ask for",
        )  # fmt: skip
    assert (await shell.get("/database")).body["items"][0]["name"] == "db"


async def test_each_caller_has_keys_of_its_own(shell: Shell) -> None:
    operator = await shell.token_of("operator")
    assert (await shell.post("/database/create", body(), headers=KEY)).status == 201
    assert (await shell.post("/database/create", body("other"), headers=KEY, token=operator)).status == 201


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "käse"])
async def test_what_is_no_key_is_refused_and_nothing_is_done(shell: Shell, key: str) -> None:
    answer = await shell.post("/database/create", body(), headers={"Idempotency-Key": key})
    assert (answer.status, answer.message) == (400, "Idempotency-Key is 1 to 255 visible ASCII characters")
    assert (await shell.get("/database/db")).status == 404


async def test_the_longest_key_is_a_key(shell: Shell) -> None:
    longest = {"Idempotency-Key": "~" * 255}
    await shell.post("/database/create", body(), headers=longest)
    assert replayed(await shell.post("/database/create", body(), headers=longest))


async def test_reading_and_deleting_take_no_key(shell: Shell) -> None:
    await shell.create()
    assert not replayed((await twice(shell, "GET", "/database/db"))[1])
    first, again = await twice(shell, "DELETE", "/database/db")
    assert again.body["msg"] == "no database is called db; nothing to delete" != first.body["msg"]


async def test_a_key_is_good_for_a_day(shell: Shell) -> None:
    await shell.post("/database/create", body(), headers=KEY)
    shell.clock.now += DAY - 1
    assert replayed(await shell.post("/database/create", body(), headers=KEY))
    shell.clock.now += DAY
    assert (await shell.post("/database/create", body(), headers=KEY)).status == 409


async def test_a_key_outlives_the_controller(shell: Shell) -> None:
    first = await shell.post("/database/create", body(), headers=KEY)
    await shell.restart()
    same(first, await shell.post("/database/create", body(), headers=KEY))


@pytest.fixture
async def alone(tmp_path: Path) -> AsyncIterator[Shell]:
    """A controller whose file the test may look into."""
    shell = Shell(tmp_path / "alone")
    await shell.start()
    yield shell
    await shell.stop()


def kept(shell: Shell) -> list[tuple[str, str]]:
    """Callers and keys."""
    database = sqlite3.connect(shell.folder / "controller.db")
    found = database.execute("SELECT caller, key FROM once").fetchall()
    database.close()
    return found


async def test_no_secret_of_an_answer_is_in_the_file(alone: Shell) -> None:
    await alone.post("/database/create", body(metadata={"APP_PASSWD": "MYSQL123"}), headers=KEY)
    token = (await alone.post("/hosts/join-tokens", headers={"Idempotency-Key": "2"})).body["join_token"]
    await alone.stop()
    content = b"".join(file.read_bytes() for file in alone.folder.glob("controller.db*"))
    await alone.start()
    assert b"MYSQL123" not in content
    assert token.encode() not in content


async def test_keys_of_the_day_before_are_dropped(alone: Shell) -> None:
    await alone.post("/database/create", body(), headers=KEY)
    assert kept(alone) == [("admin", KEY["Idempotency-Key"])]
    alone.clock.now += DAY
    await alone.restart()
    await until(lambda: kept(alone) == [], "the key to be dropped")


async def test_while_the_first_is_under_way_another_one_waits(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go, issue = asyncio.Event(), asyncio.Event(), Identity.issue

    async def slowly(identity: Identity, *arguments: Any, **more: Any) -> str:
        begun.set()
        await go.wait()
        return await issue(identity, *arguments, **more)

    monkeypatch.setattr(Identity, "issue", slowly)
    asked = {"name": "portal", "role": "viewer"}
    first = asyncio.create_task(shell.post("/tokens", asked, headers=KEY))
    await begun.wait()
    meanwhile = await shell.post("/tokens", asked, headers=KEY)
    assert meanwhile.status == 409
    assert meanwhile.message == (
        "a request with this Idempotency-Key is still under way; wait for its answer, then ask again"
    )
    go.set()
    same(await first, await shell.post("/tokens", asked, headers=KEY))


async def full(*_: Any) -> None:
    raise Retryable("the disk is full")


async def test_what_may_be_tried_again_is_no_answer(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(InEarnest, "create", full)
        assert (await shell.post("/database/create", body(), headers=KEY)).status == 503
    answer = await shell.post("/database/create", body(), headers=KEY)
    assert (answer.status, replayed(answer)) == (201, False)


async def test_an_answer_that_cannot_be_kept_is_not_sent_and_says_how_to_get_it(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(Idempotency, "_keep_answer", full)
        answer = await shell.post("/database/create", body(), headers=KEY)
    assert (answer.status, answer.message) == (
        503, "it was done, and its answer could not be kept; ask again with the same Idempotency-Key",
    )  # fmt: skip
    assert (await shell.post("/database/create", body(), headers=KEY)).status == 201


# Killed between the commit of the change and that of its answer


@pytest.fixture
def killed(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Asks, and lets the controller die before the answer is kept; the one that starts after it knows the change."""

    async def ask(method: str, path: str, document: Any = None, headers: Any = None) -> None:
        with monkeypatch.context() as worst_moment:
            worst_moment.setattr(Idempotency, "_keep_answer", _never)
            assert (await shell.call(method, path, document, headers=KEY | (headers or {}))).status == 500
        await shell.restart()

    return ask


async def _never(*_: Any) -> None:
    raise RuntimeError("killed")


async def test_a_create_whose_answer_was_lost_is_answered_and_not_refused(shell: Shell, killed: Any) -> None:
    asked = body(metadata={"APP_PASSWD": "MYSQL123"}, check_interval=7)
    await killed("POST", "/database/create", asked)
    again = await shell.post("/database/create", asked, headers=KEY)
    assert again.status == 201
    assert again.body["app"]["metadata"]["APP_PASSWD"] == "MYSQL123"
    same(again, await shell.post("/database/create", asked, headers=KEY))
    story = (await shell.get("/database/db/events")).body["items"]
    assert [event["sentence"] for event in story] == ["admin created it, expecting not-installed"]


async def test_a_create_that_somebody_changed_meanwhile_tells_no_secret_of_his(shell: Shell, killed: Any) -> None:
    await killed("POST", "/database/create", body())
    await shell.put("/database/db", body(metadata={"APP_PASSWD": "HIS123"}))
    again = await shell.post("/database/create", body(), headers=KEY)
    assert (again.status, again.message) == (409, "db was created and then changed; read it: GET database/db")


async def test_a_restart_whose_answer_was_lost_is_not_done_again(shell: Shell, killed: Any, joined: Agent) -> None:
    await shell.create(joined.host, status={"realtime": "running"})
    await joined.sees("running")
    await killed("PUT", "/database/db/restart")
    await joined.report()
    await joined.obeys("restart")
    again = await shell.put("/database/db/restart", headers=KEY)
    assert (again.status, again.body["status"]["expect"]) == (202, "running")
    await joined.report()
    assert [action for action, _ in joined.orders] == ["restart"]


async def test_a_changed_spec_whose_answer_was_lost_is_not_stale(shell: Shell, killed: Any) -> None:
    await shell.create()
    record = await shell.get("/database/db")
    changed, unless_changed = record.body | {"labels": {"tier": "gold"}}, {"If-Match": record.headers["ETag"]}
    await killed("PUT", "/database/db", changed, unless_changed)
    again = await shell.put("/database/db", changed, headers=KEY | unless_changed)
    assert (again.status, again.body["labels"]) == (200, {"tier": "gold"})
    assert (await shell.put("/database/db", changed, headers=unless_changed)).status == 409


async def test_a_token_that_nobody_was_shown_is_replaced(shell: Shell, killed: Any) -> None:
    await killed("POST", "/tokens", asked := {"name": "portal", "role": "viewer"})
    again = await shell.post("/tokens", asked, headers=KEY)
    assert again.status == 201
    assert (await shell.get("/database", token=again.body["token"])).status == 200
    assert [who["name"] for who in (await shell.get("/tokens")).body["items"]] == ["admin", "portal"]


async def test_a_host_whose_adding_was_not_answered_is_answered(shell: Shell, killed: Any) -> None:
    await killed("POST", "/hosts", {"ip": "10.0.0.9"})
    again = await shell.post("/hosts", {"ip": "10.0.0.9"}, headers=KEY)
    assert (again.status, again.body["id"]) == (201, "10.0.0.9:3335")


async def test_a_wish_whose_answer_was_lost_is_answered_with_its_status(shell: Shell, killed: Any) -> None:
    await shell.create()
    await killed("PUT", "/database/db/running")
    again = await shell.put("/database/db/running", headers=KEY)
    assert (again.status, again.body["status"]["expect"]) == (202, "running")


async def test_what_was_not_committed_is_done(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(tables, "keep", _raise)
        assert (await shell.post("/database/create", body(), headers=KEY)).status == 500
    assert (await shell.get("/database/db")).status == 404
    assert (await shell.post("/database/create", body(), headers=KEY)).status == 201


def _raise(*_: Any) -> None:
    raise RuntimeError("cannot be kept")
