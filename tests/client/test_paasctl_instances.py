"""`paasctl database` and `paasctl middleware` against a real controller."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from paas_client.client import Client
from tests.client.conftest import Agents, Paasctl

Body = Callable[..., dict[str, Any]]


@pytest.mark.parametrize("kind", ["database", "middleware", "db", "mw"])
async def test_what_was_created_from_a_file_is_shown(
    paasctl: Paasctl, name: str, body: Body, kind: str, tmp_path: Path
) -> None:
    file = tmp_path / "body.json"
    file.write_text(json.dumps(body(name, metadata={"PORT": "6379", "PASSWORD": "s3cret"})))
    created = await paasctl(kind, "create", "-f", str(file), "-o", "json")
    assert (created.code, created.document["name"]) == (0, name)
    shown = await paasctl(kind, "show", name)
    assert shown.code == 0
    assert "127.0.0.1:1  not-installed" in shown.out
    assert "PORT=6379" in shown.out
    assert "s3cret" not in created.out + shown.out


async def test_a_body_with_comments_is_created_from_stdin(paasctl: Paasctl, name: str, body: Body) -> None:
    document = json.dumps({"// why": "because", **body(name)})
    assert (await paasctl("db", "create", "-f", "-", stdin=document)).code == 0


async def test_json_is_what_the_controller_answered(paasctl: Paasctl, client: Client, name: str, body: Body) -> None:
    await client.database.create(body(name))
    record = (await paasctl("db", "show", name, "-o", "json")).document
    assert record["app"]["timeouts"]["install"] == 1800
    assert record["members"][0]["realtime"] == "not-installed"
    listed = (await paasctl("db", "list", "-o", "json")).document
    (mine,) = [item for item in listed if item["name"] == name]
    assert (mine["status"]["realtime"], mine["hosts"], mine["held"]) == ("not-installed", ["127.0.0.1:1"], False)
    status = (await paasctl("db", "status", name, "-o", "json")).document
    assert status == {"name": name, "status": {"expect": "not-installed", "realtime": "not-installed"}}


async def test_a_list_is_narrowed_to_an_expectation(paasctl: Paasctl, client: Client, name: str, body: Body) -> None:
    await client.middleware.create(body(f"{name}-a"))
    await client.middleware.create(body(f"{name}-b", status={"expect": "stopped"}))
    listed = (await paasctl("mw", "list", "--expect", "stopped")).out
    assert f"{name}-b" in listed
    assert f"{name}-a" not in listed


async def test_a_list_is_longer_than_a_page(client: Client, name: str, body: Body, monkeypatch: Any) -> None:
    monkeypatch.setattr("paas_client.instances._PAGE", 2)
    for number in range(5):
        await client.middleware.create(body(f"{name}-{number}"))
    names = [item.name async for item in client.middleware.all()]
    assert [found for found in names if found.startswith(name)] == [f"{name}-{number}" for number in range(5)]


async def test_the_story_of_wishes_is_told(paasctl: Paasctl, client: Client, name: str, body: Body) -> None:
    await client.database.create(body(name))
    for wish in ("hold", "running", "stopped", "uninstall", "release"):
        answer = await paasctl("db", wish, name, "-o", "json")
        assert answer.code == 0, answer.err
    assert answer.document["status"]["expect"] == "not-installed"
    sentences = [event["sentence"] for event in (await paasctl("db", "events", name, "-o", "json")).document]
    assert sentences[:2] == ["admin released it", "admin expects not-installed"]
    told = (await paasctl("db", "events", name, "--limit", "3")).out
    assert "-     not-installed  wish   admin expects stopped" in told
    assert "→" not in told


async def test_what_changed_today_is_listed_by_name_and_in_detail(
    paasctl: Paasctl, new_agent: Agents, client: Client, name: str, body: Body
) -> None:
    agent = await new_agent()
    await client.database.create(body(name, agent.port))
    assert (await paasctl("db", "running", name, "--wait")).code == 0
    today = datetime.now().astimezone()
    assert name in (await paasctl("db", "changed")).out.splitlines()
    assert name in (await paasctl("db", "changed", today.strftime("%m%d"), "-o", "json")).document
    changes = (await paasctl("db", "changed", "--detail", "-o", "json")).document
    assert [(change["from"], change["to"]) for change in changes if change["name"] == name] == [
        ("not-installed", "stopped"), ("stopped", "running"),
    ]  # fmt: skip
    assert name in (await paasctl("db", "changed", "--detail")).out
    assert name not in (await paasctl("db", "changed", "--cause", "check")).out
    assert (await paasctl("db", "changed", "1999-01-01")).out == ""


async def test_the_output_of_an_operation_is_followed_to_its_end(
    paasctl: Paasctl, new_agent: Agents, client: Client, name: str, body: Body
) -> None:
    agent = await new_agent()
    await client.database.create(body(name, agent.port))
    assert (await paasctl("db", "running", name, "--wait")).code == 0
    ran = (await paasctl("db", "operations", name, "-o", "json")).document
    assert [operation["action"] for operation in ran] == ["start", "install"]
    assert "succeeded" in (await paasctl("db", "operations", name)).out
    agent.logs[ran[0]["id"]] = "ready to accept connections\n"
    assert (await paasctl("db", "log", name)).out == "ready to accept connections\n"
    assert (await paasctl("operation", "log", ran[0]["id"], "-f")).out == "ready to accept connections\n"
    agent.unfinished.add(ran[1]["id"])
    agent.logs[ran[1]["id"]] = "unpacking\n"
    assert (await paasctl("db", "log", ran[1]["id"])).out == "unpacking\n"


async def test_an_instance_that_is_not_installed_is_forgotten(
    paasctl: Paasctl, client: Client, name: str, body: Body
) -> None:
    await client.database.create(body(name))
    deleted = await paasctl("db", "delete", name)
    assert (deleted.code, deleted.out) == (0, f"{name}: deleted\n")
    again = await paasctl("db", "delete", name)
    assert again.code == 0
    assert "nothing to delete" in again.out
