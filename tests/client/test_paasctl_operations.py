"""`paasctl operation`, and what is printed of logs, against a real controller."""

import asyncio
from collections.abc import Callable
from typing import Any

from paas_client.client import Client
from tests.client.conftest import Agents, Paasctl
from tests.client.fake_agent import Ending
from tests.testbeds.stack import until

Body = Callable[..., dict[str, Any]]


async def test_an_operation_is_cancelled_and_its_member_left_alone(
    paasctl: Paasctl, new_agent: Agents, client: Client, name: str, body: Body
) -> None:
    agent = await new_agent()
    agent.endings["install"] = Ending(when=asyncio.Event())
    await client.database.create(body(name, agent.port))
    waiting = await paasctl.start("db", "running", name, "--wait")
    await waiting.says("not-installed → installing")
    operation = agent.orders[0][1].operation_id
    planned = await paasctl("operation", "cancel", operation, "--dry-run")
    assert f"{agent.host}  cancel" in planned.out
    assert f"database/{name}" in (await paasctl("operation", "show", operation)).out
    cancelled = await paasctl("operation", "cancel", operation)
    assert (cancelled.code, "cancelled by" in cancelled.out) == (0, True)
    ended = await waiting.ended()
    assert ended.code == 1
    assert f"install on {agent.host} cancelled: the script was ended" in ended.err
    assert (await paasctl("operation", "show", operation, "-o", "json")).document["state"] == "cancelled"
    again = await paasctl("operation", "cancel", operation)
    assert again.code == 6
    assert "has ended: cancelled" in again.err


async def test_what_ran_is_listed_by_kind_and_name(
    paasctl: Paasctl, new_agent: Agents, client: Client, name: str, body: Body
) -> None:
    agent = await new_agent()
    await client.middleware.create(body(name, agent.port))
    assert (await paasctl("mw", "running", name, "--wait")).code == 0
    for instance in (f"middleware/{name}", f"mw/{name}"):
        listed = (await paasctl("operation", "list", instance, "-o", "json")).document
        assert [operation["action"] for operation in listed] == ["start", "install"]
    assert (await paasctl("operation", "list", name)).code == 2
    assert (await paasctl("operation", "list", "db/nobody")).code == 3
    for command in ("show", "log", "cancel"):
        ended = await paasctl("operation", command, "nothing")
        assert ended.code == 3
        assert "paasctl operation list" in ended.err


async def test_the_log_of_a_name_is_that_of_its_last_operation_on_a_host(
    paasctl: Paasctl, new_agent: Agents, client: Client, name: str, body: Body
) -> None:
    first, second = await new_agent(), await new_agent()
    await client.database.create(body(name, first.port, second.port))
    assert (await paasctl("db", "running", name, "--wait")).code == 0
    for agent, text in ((first, "one\n"), (second, "two\n")):
        for _, order in agent.orders:
            agent.logs[order.operation_id] = text
    assert (await paasctl("db", "log", name)).out == "two\n"
    assert (await paasctl("db", "log", name, "--host", first.host)).out == "one\n"
    nowhere = await paasctl("db", "log", name, "--host", "127.0.0.1:1")
    assert (nowhere.code, nowhere.err) == (1, f"paasctl: nothing was done to {name} on 127.0.0.1:1 yet\n")


async def test_the_log_of_what_never_ran_says_what_it_waits_for(
    paasctl: Paasctl, client: Client, name: str, body: Body
) -> None:
    await client.database.create(body(name))
    assert (await paasctl("db", "running", name, "--wait", "--timeout", "0.8")).code == 7
    ended = await paasctl("db", "log", name)
    assert ended.code == 1
    assert f"nothing was done to {name} yet: 127.0.0.1:1 has no agent yet: run paas-agent join there" in ended.err


async def test_where_no_script_ran_there_is_no_log_and_no_hint_to_one(
    paasctl: Paasctl, new_agent: Agents, client: Client, name: str, body: Body
) -> None:
    agent = await new_agent()
    agent.endings["install"] = Ending("failed", message="install.sh is not there (404)", fault="environment")
    await client.database.create(body(name, agent.port))
    ended = await paasctl("db", "running", name, "--wait")
    assert "install.sh is not there" in ended.err
    assert "database log" not in ended.err
    assert f"paasctl database events {name}" in ended.err
    printed = await paasctl("db", "log", name)
    assert (printed.code, printed.out) == (0, "")
    assert f"install on {agent.host} ended before a script ran: install.sh is not there (404)" in printed.err


async def test_a_log_is_followed_until_the_operation_has_ended(
    paasctl: Paasctl, new_agent: Agents, client: Client, name: str, body: Body
) -> None:
    agent, installed = await new_agent(), asyncio.Event()
    agent.endings["install"] = Ending(when=installed)
    await client.database.create(body(name, agent.port))
    await client.database.expect(name, "running")

    async def ordered() -> bool:
        return bool(agent.orders)

    await until(ordered, "the order")
    operation = agent.orders[0][1].operation_id
    agent.logs[operation] = "unpacking\n"
    agent.unfinished.add(operation)
    following = await paasctl.start("db", "log", name, "-f")
    await following.prints("unpacking")
    agent.logs[operation] += "done\n"
    agent.unfinished.clear()
    assert (await following.ended()).out == "done\n"
    installed.set()


async def test_an_operation_that_printed_nothing_says_so(
    paasctl: Paasctl, new_agent: Agents, client: Client, name: str, body: Body
) -> None:
    agent = await new_agent()
    await client.database.create(body(name, agent.port))
    assert (await paasctl("db", "stopped", name, "--wait")).code == 0
    agent.logs[agent.orders[0][1].operation_id] = ""
    assert (await paasctl("db", "log", name)).err == f"install on {agent.host} has printed nothing\n"


async def test_a_host_that_does_not_answer_is_not_waited_for(
    paasctl: Paasctl, new_agent: Agents, client: Client, name: str, body: Body
) -> None:
    agent = await new_agent()
    await client.database.create(body(name, agent.port))
    assert (await paasctl("db", "stopped", name, "--wait")).code == 0
    agent.mute = True
    ended = await paasctl("db", "log", name)
    assert ended.code == 4
    assert f"{agent.host} keeps the output, and has not answered in 5 s" in ended.err
    assert f"paasctl host show {agent.host}" in ended.err
