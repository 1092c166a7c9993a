"""Who asked for what: every change that people ask for leaves one row, the refused ones too, and nothing changes it."""

import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from paas_agent.contract import Check
from tests.controller.agents import Agent
from tests.controller.shell import MORNING, Shell, body
from tests.testbeds.stack import until

DAY = 86400.0


async def rows(shell: Shell, query: str = "") -> list[Any]:
    """Oldest first, without those of tokens that the test itself made."""
    answer = await shell.get(f"/audit{query}")
    assert answer.status == 200, answer.body
    return [row for row in reversed(answer.body["items"]) if not row["about"].startswith("some-")]


async def told(shell: Shell, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in await rows(shell)]


async def test_a_change_says_who_asked_for_what_from_where_and_how_it_was_answered(shell: Shell) -> None:
    asked = await shell.post("/database/create", body("db7"), headers={"X-Request-Id": "the-request"})
    assert asked.status == 201
    (row,) = await rows(shell)
    assert row == {
        "id": row["id"], "at": "2026-06-28T10:00:00.000Z", "who": "admin", "role": "administrator", "tenant": "",
        "method": "POST", "path": "/apis/v1alpha1/database/create", "about": "db7", "sentence": "Create a database.",
        "from": "127.0.0.1", "status": 201, "code": "", "request_id": "the-request",
    }  # fmt: skip


async def test_every_kind_of_change_is_there_in_its_order(shell: Shell, joined: Agent) -> None:
    before = len(await rows(shell))
    await shell.create(joined.host)
    await shell.put("/database/db/hold")
    record = (await shell.get("/database/db")).body
    await shell.put("/database/db?apply=restart", record | {"labels": {"a": "b"}})
    await shell.delete("/database/db?orphan=true")
    await shell.post("/hosts", {"ip": "10.0.0.9"})
    await shell.delete("/hosts/10.0.0.9:3335")
    await shell.post("/tokens", {"name": "portal", "role": "operator"})
    await shell.delete("/tokens/portal")
    prefix = "/apis/v1alpha1"
    assert [
        (method, path.removeprefix(prefix), about, status)
        for method, path, about, status in (await told(shell, "method", "path", "about", "status"))[before:]
    ] == [
        ("POST", "/database/create", "db", 201), ("PUT", "/database/db/hold", "db", 202),
        ("PUT", "/database/db?apply=restart", "db", 409), ("DELETE", "/database/db?orphan=true", "db", 200),
        ("POST", "/hosts", "10.0.0.9:3335", 201), ("DELETE", "/hosts/10.0.0.9:3335", "10.0.0.9:3335", 200),
        ("POST", "/tokens", "portal", 201), ("DELETE", "/tokens/portal", "portal", 200),
    ]  # fmt: skip


async def test_what_was_refused_is_there_with_the_sentence_of_the_refusal(shell: Shell) -> None:
    viewer = await shell.token_of("viewer")
    await shell.put("/database/nothing/running")
    await shell.put("/database/nothing/running", token=viewer)
    await shell.post("/database/create", {"name": "db"})
    await shell.post("/database/create", "x" * (1 << 20))
    assert await told(shell, "who", "status", "code") == [
        ("admin", 404, "not-found"), ("some-viewer", 403, "forbidden"), ("admin", 400, "invalid"),
        ("admin", 413, "too-large"),
    ]  # fmt: skip
    assert (await rows(shell))[0]["sentence"] == "no database is called nothing"


async def test_whoever_has_no_token_leaves_a_line_in_the_log_and_a_wrong_one_a_row_an_hour(
    shell: Shell, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    join = {"join_token": "x", "address": "h", "port": "1"}
    assert (await shell.put("/database/db/running", token="")).status == 401
    for _ in range(2):
        assert (await shell.put("/database/db/running", token="wrong")).status == 401
        assert (await shell.post("/agents/join", join, token="")).status == 401

    async def kept() -> bool:
        return len(await rows(shell)) >= 2

    await until(kept, "two rows", 5)
    used = "this join token is unknown, used or expired; make a new one with: paasctl host token"
    assert [(row["who"], row["from"], row["sentence"]) for row in await rows(shell)] == [
        ("nobody known", "127.0.0.1", "the token is unknown, or no longer good"),
        ("nobody known", "127.0.0.1", f"joining as h:1: {used}"),
    ]
    told = [record.getMessage() for record in caplog.records if record.name.endswith("audit")]
    assert len(told) == 5
    assert told[0].startswith("PUT /apis/v1alpha1/database/db/running from 127.0.0.1 refused: this needs a valid token")


async def test_a_join_is_there_and_what_agents_report_is_not(shell: Shell, joined: Agent) -> None:
    await shell.create(joined.host, status={"realtime": "running"})
    await joined.sees("running", check=Check(code="0"))
    assert joined.joined
    await shell.put("/database/db/check", {"code": "0"}, token=joined.joined.agent_token)
    assert await told(shell, "who", "role", "about", "status") == [
        ("admin", "administrator", "", 201), ("a join token", "agent", joined.host, 200),
        ("admin", "administrator", "db", 201),
    ]  # fmt: skip


async def test_what_is_only_read_leaves_no_row(shell: Shell) -> None:
    await shell.get("/database")
    await shell.get("/database/nothing")
    assert await rows(shell) == []


async def test_a_change_that_changed_nothing_is_there_as_well(shell: Shell) -> None:
    await shell.create()
    await shell.put("/database/db/not-installed")
    await shell.delete("/database/nothing")
    await shell.put("/database/db/running?dry_run=true")
    assert [status for (status,) in await told(shell, "status")] == [201, 202, 200, 200]


async def test_what_is_asked_once_more_by_its_key_is_told_from_what_was_done(shell: Shell) -> None:
    for _ in range(2):
        await shell.post("/database/create", body(), headers={"Idempotency-Key": "1"})
    assert await told(shell, "about", "status", "code") == [("db", 201, ""), ("db", 201, "replayed")]


async def test_no_secret_is_in_a_path(shell: Shell) -> None:
    await shell.delete("/database/nothing?token=s3cret&orphan=true")
    ((path,),) = await told(shell, "path")
    assert path == "/apis/v1alpha1/database/nothing?token=******&orphan=true"


@pytest.mark.parametrize("name", ["%ed%a0%80", "%00", "x" * 5000, "%f0%9f%92%a9"])
async def test_no_name_is_too_strange_to_be_kept(shell: Shell, name: str) -> None:
    assert (await shell.delete(f"/database/{name}")).status == 200
    ((about,),) = await told(shell, "about")
    assert 0 < len(about) <= 1000


async def test_it_is_read_newest_first_and_page_by_page(shell: Shell) -> None:
    for number in range(5):
        await shell.delete(f"/database/db{number}")
    seen, query = [], "?limit=2"
    while True:
        page = (await shell.get(f"/audit{query}")).body
        seen.append([row["about"] for row in page["items"]])
        if page["next"] is None:
            break
        await shell.delete("/database/meanwhile")
        query = f"?limit=2&cursor={page['next']}"
    assert seen == [["db4", "db3"], ["db2", "db1"], ["db0"]]


async def test_it_is_asked_by_who_and_when(shell: Shell) -> None:
    operator = await shell.token_of("operator")
    for hour in range(3):
        shell.clock.now = MORNING + hour * 3600
        await shell.delete(f"/database/at{hour}", token=operator if hour == 1 else None)

    async def found(query: str) -> list[str]:
        return [row["about"] for row in await rows(shell, query)]

    at = [datetime.fromtimestamp(MORNING + hour * 3600, UTC).isoformat().replace("+00:00", "Z") for hour in range(3)]
    assert await found("?who=some-operator") == ["at1"]
    assert await found(f"?since={at[1]}") == ["at1", "at2"]
    assert await found(f"?until={at[1]}") == ["at0"]
    assert await found(f"?since={at[1]}&until={at[2]}") == ["at1"]


@pytest.mark.parametrize("query", ["?since=yesterday", "?since=2026-06-28T10:00:00", "?limit=1001", "?when=now"])
async def test_what_is_asked_wrongly_is_refused(shell: Shell, query: str) -> None:
    assert (await shell.get(f"/audit{query}")).status == 400


async def test_nothing_changes_it(shell: Shell) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert (await shell.call(method, "/audit")).status == 405
        assert (await shell.call(method, "/audit/1")).status == 404


@pytest.fixture
async def alone(tmp_path: Path) -> AsyncIterator[Shell]:
    """A controller whose file the test may look into."""
    shell = Shell(tmp_path / "alone")
    await shell.start()
    yield shell
    await shell.stop()


async def test_where_the_row_cannot_be_kept_the_change_is_not_made(alone: Shell) -> None:
    with sqlite3.connect(alone.folder / "controller.db") as database:
        database.execute("ALTER TABLE audit RENAME TO elsewhere")
    assert (await alone.post("/database/create", body())).status == 500
    with sqlite3.connect(alone.folder / "controller.db") as database:
        database.execute("ALTER TABLE elsewhere RENAME TO audit")
    database.close()
    assert (await alone.get("/database/db")).status == 404
    assert (await alone.post("/database/create", body())).status == 201


async def test_it_is_kept_400_days(alone: Shell) -> None:
    await alone.delete("/database/old")
    alone.clock.now += 399 * DAY
    await alone.restart()
    await alone.delete("/database/new")
    assert [row["about"] for row in await rows(alone)] == ["old", "new"]
    alone.clock.now += 2 * DAY
    await alone.restart()
    assert [row["about"] for row in await rows(alone)] == ["new"]
