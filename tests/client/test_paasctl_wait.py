"""`--wait`: progress is shown, success and failure are told apart, and nothing is waited for in vain."""

import asyncio
import json
import os
import pty
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from paas_client.client import Client, connect
from tests.client.conftest import Agents, Paasctl, start_controller
from tests.client.fake_agent import Ending
from tests.testbeds.ports import free_port

Body = Callable[..., dict[str, Any]]


async def test_states_and_bytes_are_shown_until_it_runs(
    paasctl: Paasctl, new_agent: Agents, client: Client, name: str, body: Body
) -> None:
    agent, installed = await new_agent(), asyncio.Event()
    agent.endings["install"] = Ending(when=installed)
    await client.database.create(body(name, agent.port))
    running = await paasctl.start("db", "running", name, "--wait", "-o", "json")
    await running.says("not-installed → installing")
    await agent.fetches("install", 1_000_000, 4_000_000)
    await running.says(f"install on {agent.host}: fetching 1.0 of 4.0 MB, 25 %")
    installed.set()
    ended = await running.ended()
    assert ended.code == 0
    assert ended.document == {"name": name, "status": {"expect": "running", "realtime": "running"}}
    places = [ended.err.index(f"{step}  ") for step in ("installing → stopped", "stopped → starting", "→ running")]
    assert places == sorted(places)


async def test_a_creation_that_expects_running_is_waited_for(
    paasctl: Paasctl, new_agent: Agents, name: str, body: Body
) -> None:
    agent = await new_agent()
    document = json.dumps(body(name, agent.port, status={"expect": "running"}))
    ended = await paasctl("db", "create", "-f", "-", "--wait", stdin=document)
    assert ended.code == 0
    assert "realtime  running" in ended.out


async def test_members_on_several_hosts_are_all_waited_for(
    paasctl: Paasctl, new_agent: Agents, client: Client, name: str, body: Body
) -> None:
    agents = [await new_agent(), await new_agent()]
    await client.middleware.create(body(name, *(agent.port for agent in agents)))
    assert (await paasctl("mw", "running", name, "--wait")).code == 0
    members = (await client.middleware.get(name)).members
    assert [member.realtime for member in members] == ["running", "running"]


async def test_a_restart_is_over_when_it_has_been_done(
    paasctl: Paasctl, new_agent: Agents, client: Client, name: str, body: Body
) -> None:
    agent, restarted = await new_agent(), asyncio.Event()
    agent.endings["restart"] = Ending(when=restarted)
    await client.database.create(body(name, agent.port))
    assert (await paasctl("db", "running", name, "--wait")).code == 0
    restarting = await paasctl.start("db", "restart", name, "--wait")
    await restarting.says("running → restarting")
    restarted.set()
    ended = await restarting.ended()
    assert ended.code == 0, ended.err
    assert [action for action, _ in agent.orders] == ["install", "start", "restart"]


async def test_stopping_and_uninstalling_are_waited_for(
    paasctl: Paasctl, new_agent: Agents, client: Client, name: str, body: Body
) -> None:
    agent = await new_agent()
    await client.database.create(body(name, agent.port))
    for wish, realtime in (("running", "running"), ("stopped", "stopped"), ("uninstall", "not-installed")):
        assert (await paasctl("db", wish, name, "--wait")).code == 0
        assert (await client.database.status(name)).status.realtime == realtime


async def test_a_deletion_is_over_when_nothing_is_left(
    paasctl: Paasctl, new_agent: Agents, client: Client, name: str, body: Body
) -> None:
    agent = await new_agent()
    await client.database.create(body(name, agent.port))
    assert (await paasctl("db", "running", name, "--wait")).code == 0
    ended = await paasctl("db", "delete", name, "--uninstall", "--wait")
    assert (ended.code, ended.out) == (0, f"{name}: deleted\n")
    assert "uninstalling → not-installed" in ended.err
    assert "installing → stopped" not in ended.err
    assert (await paasctl("db", "show", name)).code == 3
    again = await paasctl("db", "delete", name, "--wait")
    assert (again.code, again.err) == (0, "")


async def test_a_deletion_whose_uninstall_fails_is_told(
    paasctl: Paasctl, new_agent: Agents, client: Client, name: str, body: Body
) -> None:
    agent = await new_agent()
    agent.endings["uninstall"] = Ending("failed", "stopped", "uninstall.sh ended with 1", exit_code=1)
    await client.database.create(body(name, agent.port))
    assert (await paasctl("db", "stopped", name, "--wait")).code == 0
    ended = await paasctl("db", "delete", name, "--uninstall", "--wait")
    assert ended.code == 1
    assert f"uninstall on {agent.host} failed: uninstall.sh ended with 1" in ended.err
    assert "being deleted" in (await paasctl("db", "show", name)).out


async def test_a_failed_script_ends_the_waiting_with_its_reason(
    paasctl: Paasctl, new_agent: Agents, client: Client, name: str, body: Body
) -> None:
    agent = await new_agent()
    agent.endings["start"] = Ending("failed", "failed", "start.sh ended with 3: no such user")
    await client.database.create(body(name, agent.port))
    ended = await paasctl("db", "running", name, "--wait")
    assert ended.code == 1
    assert f"start on {agent.host} failed: start.sh ended with 3: no such user" in ended.err
    failed = next(order.operation_id for action, order in agent.orders if action == "start")
    assert f"paasctl database log {failed}" in ended.err
    member = (await paasctl("db", "show", name)).out.splitlines()[-1]
    assert re.search(r"\(\w+\)  [1-9]", member), member


async def test_a_failure_from_before_the_wish_is_not_held_against_it(
    paasctl: Paasctl, new_agent: Agents, client: Client, name: str, body: Body
) -> None:
    agent = await new_agent()
    agent.endings["start"] = Ending("failed", "failed", "no such user")
    await client.database.create(body(name, agent.port))
    assert (await paasctl("db", "running", name, "--wait")).code == 1
    agent.endings.clear()
    ended = await paasctl("db", "running", name, "--wait")
    assert ended.code == 0, ended.err


async def test_what_failed_and_is_left_alone_is_not_waited_for(
    paasctl: Paasctl, new_agent: Agents, client: Client, name: str, body: Body
) -> None:
    agent = await new_agent()
    await client.database.create(body(name, agent.port, self_heal="never"))
    assert (await paasctl("db", "running", name, "--wait")).code == 0
    await agent.sees("database", name, "failed", "check 7: too many clients")
    ended = await paasctl("db", "running", name, "--wait")
    assert ended.code == 1
    assert f"{name} is failed and left alone: check 7: too many clients" in ended.err
    assert f"paasctl database restart {name}" in ended.err


async def test_a_host_without_an_agent_is_named_and_the_time_limit_ends_the_waiting(
    paasctl: Paasctl, client: Client, name: str, body: Body
) -> None:
    await client.database.create(body(name))
    ended = await paasctl("db", "running", name, "--wait", "--timeout", "0.8")
    assert ended.code == 7
    assert "is not running after 0.8 s; 127.0.0.1:1 has no agent yet" in ended.err
    assert "paasctl host token" in ended.err


async def test_a_held_instance_is_not_waited_for(paasctl: Paasctl, client: Client, name: str, body: Body) -> None:
    await client.database.create(body(name))
    await client.database.hold(name)
    ended = await paasctl("db", "running", name, "--wait")
    assert ended.code == 1
    assert "is held" in ended.err
    assert f"paasctl database release {name}" in ended.err


async def test_another_wish_ends_the_waiting(paasctl: Paasctl, client: Client, name: str, body: Body) -> None:
    await client.database.create(body(name))
    running = await paasctl.start("db", "running", name, "--wait")
    await running.says("has no agent yet")
    await client.database.expect(name, "stopped")
    ended = await running.ended()
    assert ended.code == 1
    assert "is expected stopped now: somebody else wished for that" in ended.err


async def test_a_controller_that_is_started_again_meanwhile_is_waited_for(
    paasctl: Paasctl, tmp_path: Path, body: Body, name: str
) -> None:
    program, own = await start_controller(tmp_path / "own", free_port())
    try:
        mine = paasctl.with_(PAAS_URL=own.url, PAAS_TOKEN=own.token)
        async with connect(own.url, own.token) as client:
            await client.database.create(body(name))
        running = await mine.start("db", "running", name, "--wait")
        await running.says("has no agent yet")
        program.kill()
        await running.says("cannot be reached: connection refused; trying again")
        program.start()
        await running.says("has no agent yet")
        running.interrupt()
        assert (await running.ended()).code == 130
    finally:
        program.kill()


async def test_ctrl_c_ends_the_waiting_and_says_that_the_work_goes_on(
    paasctl: Paasctl, client: Client, name: str, body: Body
) -> None:
    await client.database.create(body(name))
    running = await paasctl.start("db", "running", name, "--wait")
    await running.says("has no agent yet")
    running.interrupt()
    ended = await running.ended()
    assert ended.code == 130
    assert "goes on there" in ended.err
    assert (await client.database.status(name)).status.expect == "running"


async def test_colours_are_for_terminals_only(paasctl: Paasctl, client: Client, name: str, body: Body) -> None:
    await client.database.create(body(name))
    assert "\x1b" not in (await paasctl("db", "list")).out
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        paasctl.command, "db", "show", name, stdin=theirs, stdout=theirs, stderr=theirs, env=paasctl.environment
    )
    os.close(theirs)
    shown = await asyncio.to_thread(_read_all, ours)
    assert await process.wait() == 0
    assert "\x1b[" in shown
    assert name in shown


def _read_all(descriptor: int) -> str:
    data = b""
    try:
        while piece := os.read(descriptor, 4096):
            data += piece
    except OSError:  # how Linux says that the last one has closed a terminal
        pass
    os.close(descriptor)
    return data.decode()
