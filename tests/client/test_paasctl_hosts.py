"""`paasctl host` against a real controller."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from paas_client.client import Client
from tests.client.conftest import Agents, Controller, Paasctl
from tests.client.fake_agent import FakeAgent
from tests.testbeds.ports import free_port


async def test_a_join_token_stands_alone_on_stdout_and_lets_an_agent_join(
    paasctl: Paasctl, controller: Controller
) -> None:
    made = await paasctl("host", "token")
    assert made.code == 0
    assert "good for one agent, until 20" in made.err
    token = made.out.removesuffix("\n")
    assert token.split() == [token]
    agent = FakeAgent(controller.url, free_port())
    await agent.start(token)
    await agent.stop()
    assert agent.host in (await paasctl("host", "list")).out


async def test_a_host_is_shown_with_what_stands_on_it_and_kept_until_that_is_gone(
    paasctl: Paasctl, new_agent: Agents, client: Client, name: str, body: Callable[..., dict[str, Any]]
) -> None:
    agent = await new_agent()
    await client.database.create(body(name, agent.port))
    shown = await paasctl("host", "show", agent.host)
    assert "online" in shown.out
    assert f"database/{name}" in shown.out
    document = (await paasctl("host", "show", agent.host, "-o", "json")).document
    assert (document["version"], document["members"]) == ("1.2.3", [f"database/{name}"])
    refused = await paasctl("host", "delete", agent.host)
    assert refused.code == 6
    assert f"- database/{name}" in refused.err
    await client.database.delete(name)
    assert (await paasctl("host", "delete", agent.host)).code == 0
    listed = (await paasctl("host", "list", "-o", "json")).document
    assert agent.host not in [host["id"] for host in listed]


async def test_how_ssh_reaches_a_host_is_changed_by_a_file(paasctl: Paasctl, client: Client, tmp_path: Path) -> None:
    await client.hosts.add("10.78.1.3", 3335, auth=[{"username": "root", "password": "one"}])
    file = tmp_path / "reach.yaml"
    file.write_text(
        "ssh_port: 2222\nauth:\n  - {username: root, password: '******'}\n  - {username: ssh, password: two}\n"
    )
    planned = await paasctl("host", "edit", "10.78.1.3:3335", "-f", str(file), "--dry-run")
    assert "how it is reached" in planned.out
    shown = await paasctl("host", "edit", "10.78.1.3:3335", "-f", str(file))
    assert "port 2222, as root, ssh" in shown.out
    document = (await paasctl("host", "show", "10.78.1.3:3335", "-o", "json")).document
    assert [entry["password"] for entry in document["auth"]] == ["******", "******"]
    wrong = await paasctl("host", "edit", "10.78.1.3:3335", "-f", "-", stdin='{"ssh_port": 0}')
    assert (wrong.code, "ssh_port must be 1 or more" in wrong.err) == (1, True)


async def test_the_way_of_a_host_is_chosen_when_it_is_named_and_later(paasctl: Paasctl) -> None:
    named = await paasctl("host", "add", "10.78.1.4", "--connection", "tunnel")
    assert "tunnel, no tunnel is open" in named.out
    planned = await paasctl("host", "edit", "10.78.1.4:3335", "--connection", "auto", "--dry-run")
    assert "how it is reached" in planned.out
    await paasctl("host", "edit", "10.78.1.4:3335", "--connection", "auto")
    document = (await paasctl("host", "show", "10.78.1.4:3335", "-o", "json")).document
    assert (document["connection"], document["tunnel"]) == ("auto", False)
    kept = await paasctl("host", "edit", "10.78.1.4:3335", "-f", "-", stdin='{"ssh_port": 2222}')
    assert "auto, no tunnel is open" in kept.out
    wrong = await paasctl("host", "edit", "10.78.1.4:3335")
    assert (wrong.code, "say --connection, or name a file with -f" in wrong.err) == (2, True)


async def test_an_unknown_host_is_exit_code_3(paasctl: Paasctl) -> None:
    for command in (("show",), ("delete",), ("rotate",), ("edit", "-f", "-")):
        ended = await paasctl("host", *command, "10.9.8.7:3335", stdin="{}")
        assert ended.code == 3
        assert "paasctl host list" in ended.err
