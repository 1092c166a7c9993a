"""Tunnels at the controller: who may keep one, and what goes down and up it."""

import asyncio
import json

import aiohttp
import msgspec
import pytest

from paas_agent.contract import Join
from tests.controller.agents import Agent
from tests.controller.hosts.tunnel.digger import REPORT, becomes, dug, host, ordered, state, tunnels
from tests.controller.shell import Shell, until
from tests.testbeds.stack import until as look_until

# Who may


async def test_an_agent_alone_may_keep_one_and_only_by_a_websocket(shell: Shell, hidden: Agent) -> None:
    assert hidden.joined
    assert (await shell.get("/agents/tunnel", token="")).status == 401
    assert (await shell.get("/agents/tunnel")).status == 403
    refused = await shell.get("/agents/tunnel", token=hidden.joined.agent_token)
    assert (refused.status, refused.message) == (422, "this is for websockets")


async def test_of_a_host_that_is_called_none_is_taken(shell: Shell, joined: Agent) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with dug(joined):
            pass
    assert refused.value.status == 409
    assert not (await joined.report()).body["tunnel"]


async def test_whether_one_is_wanted_is_said_with_each_report(shell: Shell, joined: Agent) -> None:
    for connection, wanted in (("tunnel", True), ("auto", True), ("direct", False)):
        edited = await shell.put(f"/hosts/{joined.host}", {"connection": connection})
        assert edited.body["connection"] == connection
        assert (await joined.report()).body["tunnel"] is wanted
    await shell.put(f"/hosts/{joined.host}", {"connection": "auto"})
    await shell.put(f"/hosts/{joined.host}", {"ssh_port": 2222})
    await shell.restart()
    assert (await host(joined))["connection"] == "auto"


async def test_a_host_is_named_with_its_way_or_joins_with_it(shell: Shell, agent: Agent) -> None:
    named = await shell.post("/hosts", {"ip": "192.168.19.7", "connection": "tunnel"})
    assert (named.status, named.body["connection"], named.body["tunnel"]) == (201, "tunnel", False)
    wrong = await shell.post("/hosts", {"ip": "192.168.19.8", "connection": "pigeon"})
    assert (wrong.status, "connection" in wrong.message) == (400, True)
    assert (await agent.ask_to_join(tunnel=True)).status == 200
    assert (await host(agent))["connection"] == "tunnel"
    assert (await agent.ask_to_join()).status == 200
    assert (await host(agent))["connection"] == "tunnel"
    assert Join(join_token="", address="", port="").tunnel is False


# What goes down and up


async def refused(shell: Shell, agent: Agent) -> bool:
    rows = (await shell.get("/audit")).body["items"]
    return any(row["about"] == agent.host and row["status"] == 403 for row in rows)


async def test_orders_go_down_it_and_nobody_calls_the_host(shell: Shell, hidden: Agent) -> None:
    async with dug(hidden) as digger:
        await shell.create(hidden.host)
        assert await state(hidden) == "online"
        operation = await ordered(digger, shell)
        assert hidden.joined
        asked = digger.asked[0]
        assert (asked.method, asked.path, asked.token) == ("POST", "/install", hidden.joined.controller_token)
        digger.answers = lambda _: (202, b"{}")
        assert (await shell.delete(f"/operations/{operation}")).status == 202
        await until(lambda: digger.asked[-1].method == "DELETE", "the cancelling")
        assert digger.asked[-1].path == f"/operations/{operation}"
        digger.answers = lambda _: (200, b'{"offset": 3, "next": 7, "data": "text", "ended": false}')
        assert (await shell.get(f"/operations/{operation}/log?offset=3")).body["data"] == "text"
        assert digger.asked[-1].path == f"/operations/{operation}/log?offset=3"
    assert not hidden.received


async def test_a_report_up_it_is_taken_as_any_other(shell: Shell, hidden: Agent) -> None:
    await shell.create(hidden.host, status={"realtime": "running"}, self_heal="never")
    async with dug(hidden) as digger:
        first = hidden.says()
        assert (await digger.report(first)).tunnel
        assert (await digger.report(first)).acknowledged == first.sequence
        wrong = await digger.ask(REPORT, b"{")
        assert (wrong.status, b"this is no report" in wrong.body) == (400, True)
        foreign = await digger.ask(REPORT, msgspec.json.encode(hidden.says(host="192.168.19.9:3335")))
        assert (foreign.status, b"this token speaks for" in foreign.body) == (403, True)
        await look_until(lambda: refused(shell, hidden), "a row of the audit")
        assert (await digger.ask("/apis/v1alpha1/tokens", b"{}")).status == 404


async def test_an_order_whose_answer_was_lost_is_given_again_under_the_same_id(shell: Shell, hidden: Agent) -> None:
    await shell.create(hidden.host)
    async with dug(hidden) as digger:
        digger.silent = True
        operation = await ordered(digger, shell)
        await digger.cut()
    await becomes(hidden, "reconnecting")
    async with dug(hidden) as digger:
        await digger.report()
        await until(lambda: digger.asked, "the order again")
        assert json.loads(digger.asked[0].body)["operation_id"] == operation
        await digger.report()
        await digger.report()
        assert len(digger.asked) == 1


async def test_without_its_tunnel_a_host_is_reconnecting_and_lost_only_when_silent(shell: Shell, hidden: Agent) -> None:
    assert await state(hidden) == "reconnecting"
    async with dug(hidden):
        await becomes(hidden, "online")
        assert await tunnels(shell) == 1
    await becomes(hidden, "reconnecting")
    assert await tunnels(shell) == 0
    shell.clock.now += 0.29
    assert await state(hidden) == "reconnecting"
    shell.clock.now += 600
    await becomes(hidden, "lost")
    async with dug(hidden) as digger:
        await digger.report()
        assert await state(hidden) == "online"


async def test_a_report_that_is_overdue_tells_of_a_cut_before_the_tunnel_does(shell: Shell, hidden: Agent) -> None:
    async with dug(hidden) as digger:
        await digger.report()
        await becomes(hidden, "online")
        shell.clock.now += 0.16  # of intervals of 0.1
        await becomes(hidden, "reconnecting")
        await digger.report()
        assert await state(hidden) == "online"


async def test_output_cannot_be_had_while_it_is_not_open(shell: Shell, hidden: Agent) -> None:
    await shell.create(hidden.host)
    async with dug(hidden) as digger:
        operation = await ordered(digger, shell)
    await becomes(hidden, "reconnecting")
    refused = await shell.get(f"/operations/{operation}/log")
    assert refused.status == 503
    assert "is not open now; its agent opens it again by itself" in refused.message


# Auto


async def test_auto_takes_the_tunnel_where_the_address_does_not_answer_and_stays_with_it(
    shell: Shell, joined: Agent
) -> None:
    await shell.put(f"/hosts/{joined.host}", {"connection": "auto"})
    await shell.create(joined.host)
    async with dug(joined) as digger:
        assert await state(joined) == "online"
        await shell.put("/database/db/running")
        await joined.ordered()
        assert not digger.asked
        port = int(joined.port)
        await joined.stop()
        await shell.create(joined.host, name="db2")
        await ordered(digger, shell, "db2")
        await joined.start(port)
        await shell.create(joined.host, name="db3")
        await ordered(digger, shell, "db3")
    await _closed(shell)
    await shell.create(joined.host, name="db4")
    await shell.put("/database/db4/running")
    await joined.ordered()


async def _closed(shell: Shell) -> None:
    async with asyncio.timeout(5):
        while await tunnels(shell):
            await asyncio.sleep(0.01)
