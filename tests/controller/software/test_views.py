"""How instances are shown: without their secrets, by pages."""

from typing import Any

from tests.controller.agents import Agent
from tests.controller.shell import Shell, body
from tests.testbeds.stack import until

SECRETS = {"APP_PASSWD": "MYSQL123", "db_password": "MYSQL123", "ROOT_PWD": "MYSQL123", "API_TOKEN": "MYSQL123",
           "SECRET": "MYSQL123", "SSH_KEY": "MYSQL123"}  # fmt: skip


def _secretive() -> dict[str, Any]:
    auth = [{"username": "root", "password": "MYSQL123"}, {"username": "ssh", "private_key": "MYSQL123"}]
    return body(metadata={**SECRETS, "APP_USER": "mysql"}) | {"host": [{"ip": "192.168.19.100", "auth": auth}]}


async def test_creating_alone_shows_secrets(shell: Shell) -> None:
    created = (await shell.post("/database/create", _secretive())).body
    assert str(created).count("MYSQL123") == len(SECRETS) + 2


async def test_every_other_answer_masks_them(shell: Shell) -> None:
    await shell.post("/database/create", _secretive())
    await shell.put("/database/db/running")
    for path in ("", "/db", "/db/status", "/db/events", "/db/operations"):
        assert "MYSQL123" not in str((await shell.get(f"/database{path}")).body)
    shown = (await shell.get("/database/db")).body
    assert shown["app"]["metadata"] == dict.fromkeys(SECRETS, "******") | {
        "APP_USER": "mysql", "CreateAt": "2026-06-28 10:00:00",
    }  # fmt: skip
    assert shown["host"][0]["auth"][0] == {"username": "root", "password": "******"}


async def test_a_secret_that_is_too_short_to_be_masked_in_output_is_taken_and_masked_here(shell: Shell) -> None:
    await shell.create(metadata={"APP_PASSWD": "x", "KEY_BUFFER_SIZE": "16M", "API_TOKEN": ""})
    shown = (await shell.get("/database/db")).body["app"]["metadata"]
    assert (shown["APP_PASSWD"], shown["KEY_BUFFER_SIZE"], shown["API_TOKEN"]) == ("******", "******", "")


async def test_secrets_are_not_in_the_database_or_the_log_in_the_clear(shell: Shell, caplog: Any) -> None:
    await shell.post("/database/create", _secretive())
    await shell.stop()
    kept = b"".join(file.read_bytes() for file in shell.folder.glob("controller.db*"))
    await shell.start()
    assert b"MYSQL123" not in kept
    assert "MYSQL123" not in caplog.text


async def test_an_agent_is_told_the_secrets_that_its_scripts_need(shell: Shell, joined: Agent) -> None:
    await shell.create(joined.host, status={"expect": "running"}, metadata=SECRETS)
    assert (await joined.ordered())[1].metadata == SECRETS


async def test_a_record_shows_the_defaults_its_members_and_their_last_operation(shell: Shell, joined: Agent) -> None:
    await shell.create(joined.host, status={"expect": "running"})
    await joined.obeys("install")
    _, start = await joined.ordered()
    shown = (await shell.get("/database/db")).body
    assert shown["type"] == "database"
    assert shown["app"]["check_interval"] == 10
    assert shown["app"]["timeouts"]["install"] == 1800
    assert shown["generation"] == 1
    member = shown["members"][0]
    assert (member["host"], member["realtime"], member["operation"]) == (joined.host, "starting", start.operation_id)
    assert member["last_operation"]["id"] == start.operation_id
    assert member["waiting"] == f"an operation is under way ({start.operation_id})"


async def test_a_host_that_reports_and_cannot_be_called_is_told_where_people_look(shell: Shell, joined: Agent) -> None:
    await joined.stop()
    await shell.create(joined.host, status={"expect": "running"})

    async def waits(words: str) -> None:
        async def told() -> bool:
            return str((await shell.get("/database/db")).body["members"][0]["waiting"]).endswith(words)

        await until(told, words)

    way = f"where this controller cannot call it: paasctl host edit {joined.host} --connection tunnel"
    told = f"; the agent at {joined.host} was not reached (Connection refused); {way}"
    await waits(told)
    await joined.start(int(joined.host.rpartition(":")[2]))
    await joined.report()
    _, order = await joined.ordered()
    await waits(f"an operation is under way ({order.operation_id})")


async def test_a_record_is_the_same_after_a_restart(shell: Shell) -> None:
    await shell.post("/database/create", _secretive())
    before = (await shell.get("/database/db")).body
    await shell.restart()
    assert (await shell.get("/database/db")).body == before
    assert (await shell.get("/database/other")).status == 404


async def test_a_list_comes_by_name_in_pages_that_miss_nobody(shell: Shell) -> None:
    names = ["b", "a", "C", "d.2", "d-1"]
    for name in names:
        await shell.create(name=name)
    found, cursor = [], ""
    while cursor is not None:
        page = (await shell.get(f"/database?limit=2&cursor={cursor}")).body
        found += [item["name"] for item in page["items"]]
        cursor = page["next"]
    assert found == sorted(names)
    assert (await shell.get("/middleware")).body == {"items": [], "next": None}


async def test_a_full_last_page_has_no_next(shell: Shell) -> None:
    for name in "abcd":
        await shell.create(name=name)
    assert (await shell.get("/database?limit=4")).body["next"] is None
    assert (await shell.get("/database?limit=0")).body == {"items": [], "next": None}


async def test_a_list_can_be_asked_by_what_is_expected_and_what_is_there(shell: Shell) -> None:
    await shell.create(name="up", status={"realtime": "running"})
    await shell.create(name="down", status={"realtime": "stopped"})
    await shell.create(name="wrong", status={"expect": "running", "realtime": "failed"})

    async def names(query: str) -> list[str]:
        return [item["name"] for item in (await shell.get(f"/database?{query}")).body["items"]]

    assert await names("expect=running") == ["up", "wrong"]
    assert await names("realtime=failed") == ["wrong"]
    assert await names("expect=running&realtime=running") == ["up"]
    assert await names("expect=not-installed") == []
    assert await names("drift=true") == ["wrong"]
    assert await names("drift=true&realtime=running") == []
    host = (await shell.get("/database/up")).body["members"][0]["host"]
    assert await names(f"host={host}") == ["down", "up", "wrong"]
    assert await names("host=elsewhere:3335") == []


async def test_a_list_by_a_state_that_there_is_not_is_a_400(shell: Shell) -> None:
    for query in ("expect=restart", "expect=failed", "realtime=resting"):
        refused = await shell.get(f"/database?{query}")
        assert refused.status == 400
        assert "running" in refused.message
