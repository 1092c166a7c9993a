"""`paasctl host drain` against a real controller."""

import re
from collections.abc import Callable
from typing import Any

from paas_client.client import Client
from tests.client.conftest import Agents, Paasctl


async def test_a_host_is_drained_and_taken_back_and_both_can_be_waited_for(
    paasctl: Paasctl, new_agent: Agents, client: Client, name: str, body: Callable[..., dict[str, Any]]
) -> None:
    agent = await new_agent()
    await client.database.create(body(name, agent.port))
    assert (await paasctl("database", "running", name, "--wait")).code == 0

    planned = await paasctl("host", "drain", agent.host, "--dry-run", "-o", "json")
    assert planned.document["steps"] == [{"host": agent.host, "action": "stop", "why": f"database/{name}"}]

    drained = await paasctl("host", "drain", agent.host, "--wait")
    assert drained.code == 0, drained.err
    assert drained.out.startswith(f"{agent.host}: is drained: what runs there is stopped")
    assert (await client.database.status(name)).status.realtime == "stopped"
    shown = (await paasctl("host", "show", agent.host)).out
    assert re.search(r"^drained +by admin since 20", shown, re.MULTILINE)
    [line] = [line for line in (await paasctl("host", "list")).out.splitlines() if agent.host in line]
    assert "online, drained" in line

    edited = await paasctl("host", "edit", agent.host, "--connection", "direct")
    assert re.search(rf"^members +database/{name}", edited.out, re.MULTILINE)

    back = await paasctl("host", "drain", agent.host, "--off", "--wait")
    assert back.code == 0, back.err
    assert (await client.database.status(name)).status.realtime == "running"
    assert "by admin" not in (await paasctl("host", "show", agent.host)).out


async def test_what_is_waited_for_is_said_when_the_time_is_up(
    paasctl: Paasctl, new_agent: Agents, client: Client, name: str, body: Callable[..., dict[str, Any]]
) -> None:
    agent = await new_agent()
    await client.database.create(body(name, agent.port))
    assert (await paasctl("database", "running", name, "--wait")).code == 0
    await client.database.hold(name)
    ended = await paasctl("host", "drain", agent.host, "--wait", "--timeout", "0.5")
    assert ended.code == 7
    why = f"database/{name}: held: hands off until it is released"
    assert f"{agent.host} is not ready after 0.5 s; {why}" in ended.err
    assert why in (await paasctl("host", "show", agent.host)).out


async def test_draining_an_unknown_host_is_exit_code_3(paasctl: Paasctl) -> None:
    ended = await paasctl("host", "drain", "10.9.8.7:3335")
    assert (ended.code, "paasctl host list" in ended.err) == (3, True)
