"""`paasctl token`, `paasctl host add` and `paasctl audit` against a real controller."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import typer

from paas_client.client import Client
from paas_client.commands.audit import moment
from tests.client.conftest import Paasctl

NOW = datetime(2026, 6, 28, 12, tzinfo=UTC)


async def test_a_token_stands_alone_on_stdout_and_is_good_until_it_is_withdrawn(paasctl: Paasctl, name: str) -> None:
    made = await paasctl("token", "create", name, "--role", "viewer")
    assert made.code == 0
    token = made.out.removesuffix("\n")
    assert token.split() == [token]
    assert token not in made.err
    theirs = paasctl.with_(PAAS_TOKEN=token)
    assert (await theirs("db", "list")).code == 0
    refused = await theirs("db", "running", "nobody")
    assert refused.code == 5
    assert "a token of role viewer may not do this" in refused.err
    listed = (await paasctl("token", "list", "-o", "json")).document
    assert {"name": name, "role": "viewer", "tenant": ""} in listed
    again = await paasctl("token", "create", name, "--role", "viewer")
    assert again.code == 6
    assert f"paasctl token delete {name}" in again.err
    assert (await paasctl("token", "delete", name)).out == f"{name}: its token is no longer good\n"
    assert (await theirs("db", "list")).code == 5


async def test_a_token_is_rehearsed_and_not_made(paasctl: Paasctl, name: str) -> None:
    ended = await paasctl("token", "create", name, "--role", "operator", "--dry-run")
    assert (ended.code, "issue a token" in ended.out) == (0, True)
    assert name not in (await paasctl("token", "list")).out


async def test_a_tenant_and_its_tokens_come_and_go_together(paasctl: Paasctl) -> None:
    assert "make a tenant" in (await paasctl("tenant", "create", "shop", "--dry-run")).out
    made = await paasctl("tenant", "create", "shop")
    assert (made.code, made.out) == (0, "shop: it is there\n")
    assert "paasctl token create NAME --role operator --tenant shop" in made.err
    assert "there is a tenant shop already" in (await paasctl("tenant", "create", "shop")).err
    token = (await paasctl("token", "create", "shop-ci", "--role", "operator", "--tenant", "shop")).out.strip()
    refused = await paasctl.with_(PAAS_TOKEN=token)("db", "running", "nobody")
    assert refused.code == 5
    assert "shop-ci has a token of the tenant shop: it is good for the apps below /api/v1 alone" in refused.err
    listed = (await paasctl("token", "list")).out.splitlines()
    assert ["shop-ci", "operator", "shop"] in [line.split() for line in listed]
    assert "shop-ci (shop)" in (await paasctl("audit", "--limit", "1")).out
    mistyped = await paasctl("tenant", "delete", "shopp")
    assert (mistyped.code, "did you mean shop? see which there are: paasctl tenant list" in mistyped.err) == (3, True)
    gone = await paasctl("tenant", "delete", "shop")
    assert gone.out == "shop: it is gone, and with it the tokens of shop-ci\n"
    assert (await paasctl("tenant", "list", "-o", "json")).document == []
    assert (await paasctl.with_(PAAS_TOKEN=token)("db", "list")).code == 5


async def test_an_administrator_of_a_tenant_is_refused_in_a_sentence(paasctl: Paasctl) -> None:
    ended = await paasctl("token", "create", "boss", "--role", "administrator", "--tenant", "shop")
    assert ended.code != 0
    assert "administrators are the platform's; a token of a tenant is an operator's or a viewer's" in ended.err


async def test_a_holder_who_is_mistyped_is_found(paasctl: Paasctl) -> None:
    ended = await paasctl("token", "delete", "amdin")
    assert ended.code == 3
    assert "did you mean admin? see which there are: paasctl token list" in ended.err


async def test_the_last_administrator_stays(paasctl: Paasctl) -> None:
    ended = await paasctl("token", "delete", "admin")
    assert ended.code == 6
    assert "paasctl token create NAME --role administrator" in ended.err


async def test_a_host_is_added_before_anything_stands_on_it(paasctl: Paasctl) -> None:
    planned = await paasctl("host", "add", "10.1.2.3", "--agent-port", "4444", "--dry-run")
    assert (planned.code, "10.1.2.3:4444" in planned.out) == (0, True)
    added = await paasctl("host", "add", "10.1.2.3", "--agent-port", "4444", "-o", "json")
    assert (added.code, added.document["state"]) == (0, "absent")
    assert (await paasctl("host", "add", "10.1.2.3", "--agent-port", "4444")).code == 6
    mistyped = await paasctl("host", "show", "10.1.2.3:4445")
    assert "did you mean 10.1.2.3:4444?" in mistyped.err
    assert (await paasctl("host", "delete", "10.1.2.3:4444")).code == 0


async def test_the_audit_says_who_asked_for_what_and_how_it_was_answered(
    paasctl: Paasctl, client: Client, name: str, body: Callable[..., dict[str, Any]]
) -> None:
    await client.database.create(body(name))
    assert (await paasctl("db", "running", name)).code == 0
    assert (await paasctl("db", "create", "-f", "-", stdin="{}")).code == 1
    listed = await paasctl("audit", "--limit", "2", "--since", "1h", "-o", "json")
    refused, wished = listed.document
    assert (refused["status"], refused["code"]) == (400, "invalid")
    assert (wished["who"], wished["about"], wished["method"], wished["code"]) == ("admin", name, "PUT", "")
    table = (await paasctl("audit", "--limit", "2")).out
    assert f"PUT database/{name}/running  done" in table
    assert (await paasctl("audit", "--who", "nobody", "-o", "json")).document == []
    assert (await paasctl("audit", "--until", "2020-01-01", "-o", "json")).document == []


async def test_the_audit_is_read_over_its_pages(client: Client, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr("paas_client.registry._PAGE", 2)
    for _ in range(5):
        await client.hosts.new_join_token()
    identifiers = [deed.id async for deed in client.audit.all()]
    assert len(identifiers) >= 5
    assert identifiers == sorted(set(identifiers), reverse=True)


async def test_the_audit_is_for_administrators(paasctl: Paasctl, client: Client, name: str) -> None:
    issued = await client.tokens.create(name, "operator")
    ended = await paasctl.with_(PAAS_TOKEN=issued.token)("audit")
    assert ended.code == 5
    assert "it takes administrator" in ended.err


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("30m", NOW - timedelta(minutes=30)),
        ("2h", NOW - timedelta(hours=2)),
        ("7d", NOW - timedelta(days=7)),
        ("2026-06-01T10:00:00+02:00", datetime(2026, 6, 1, 8, tzinfo=UTC)),
        ("2026-06-01T08:00Z", datetime(2026, 6, 1, 8, tzinfo=UTC)),
        ("2026-06-01", datetime(2026, 6, 1).astimezone()),
    ],
)
def test_a_moment_is_said_as_people_say_it(text: str, at: datetime) -> None:
    assert datetime.fromisoformat(moment(text, NOW)) == at


@pytest.mark.parametrize("text", ["soon", "2h30", "999999999999d", "2026-13-01", "-1h"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is no moment; say it as 30m, 2h, 7d"):
        moment(text, NOW)


def test_no_bound_is_none() -> None:
    assert moment("", NOW) == ""
