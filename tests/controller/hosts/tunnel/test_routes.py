"""Tunnels at the controller: who may keep one, what goes down and up it, and when it ends."""

import asyncio
import json

import aiohttp
import msgspec
import pytest

from paas_agent.contract import Join
from tests.controller.agents import Agent
from tests.controller.hosts.tunnel.digger import REPORT, Digger, dug
from tests.controller.shell import Shell, until
from tests.testbeds.stack import until as look_until


@pytest.fixture
async def hidden(shell: Shell, agent: Agent) -> Agent:
    """An agent that nobody can call: its server is gone as soon as it has joined."""
    await agent.join()
    answer = await shell.put(f"/hosts/{agent.host}", {"connection": "tunnel"})
    assert answer.status == 200, answer.body
    await agent.stop()
    return agent


async def host(agent: Agent) -> dict[str, object]:
    return dict((await agent.shell.get(f"/hosts/{agent.host}")).body)


async def state(agent: Agent) -> object:
    return (await host(agent))["state"]


async def tunnels(shell: Shell) -> float:
    text = (await shell.get("//metrics")).body.decode()
    return float(next(line.split()[1] for line in text.splitlines() if line.startswith("paas_tunnels ")))


async def ends(digger: Digger) -> str:
    """The reason with which the controller closes it."""
    return await asyncio.wait_for(digger.over, 5)


async def ordered(digger: Digger, shell: Shell, name: str = "db") -> str:
    """The operation of the next order that comes down."""
    before = len(digger.asked)
    await shell.put(f"/database/{name}/running")
    await until(lambda: len(digger.asked) > before, "an order")
    return str(json.loads(digger.asked[before].body)["operation_id"])


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
    await _becomes(hidden, "reconnecting")
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
        await _becomes(hidden, "online")
        assert await tunnels(shell) == 1
    await _becomes(hidden, "reconnecting")
    assert await tunnels(shell) == 0
    shell.clock.now += 0.29
    assert await state(hidden) == "reconnecting"
    shell.clock.now += 600
    await _becomes(hidden, "lost")
    async with dug(hidden) as digger:
        await digger.report()
        assert await state(hidden) == "online"


async def test_a_report_that_is_overdue_tells_of_a_cut_before_the_tunnel_does(shell: Shell, hidden: Agent) -> None:
    async with dug(hidden) as digger:
        await digger.report()
        await _becomes(hidden, "online")
        shell.clock.now += 0.16  # of intervals of 0.1
        await _becomes(hidden, "reconnecting")
        await digger.report()
        assert await state(hidden) == "online"


async def _becomes(agent: Agent, wanted: str) -> None:
    async with asyncio.timeout(5):
        while await state(agent) != wanted:
            await asyncio.sleep(0.01)


async def test_output_cannot_be_had_while_it_is_not_open(shell: Shell, hidden: Agent) -> None:
    await shell.create(hidden.host)
    async with dug(hidden) as digger:
        operation = await ordered(digger, shell)
    await _becomes(hidden, "reconnecting")
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


# When it ends


async def test_a_second_tunnel_of_a_host_takes_the_place_of_the_first(shell: Shell, hidden: Agent) -> None:
    await shell.create(hidden.host)
    async with dug(hidden) as first, dug(hidden) as second:
        assert "another one of this host has taken its place" in await ends(first)
        await ordered(second, shell)
        assert not first.asked
        assert await tunnels(shell) == 1
        assert await state(hidden) == "online"


async def test_a_host_that_is_removed_is_cut_off_at_once(shell: Shell, hidden: Agent) -> None:
    async with dug(hidden) as digger:
        assert (await shell.delete(f"/hosts/{hidden.host}")).status == 200
        assert "removed" in await ends(digger)
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with dug(hidden):
            pass
    assert refused.value.status == 401


async def test_a_host_that_joins_anew_cuts_off_whoever_has_its_former_token(shell: Shell, hidden: Agent) -> None:
    async with dug(hidden) as digger:
        assert (await hidden.ask_to_join()).status == 200
        assert "joined anew" in await ends(digger)


async def test_a_host_that_is_to_be_called_again_keeps_none(shell: Shell, hidden: Agent) -> None:
    async with dug(hidden) as digger:
        await shell.put(f"/hosts/{hidden.host}", {"connection": "auto"})
        assert await tunnels(shell) == 1
        await shell.put(f"/hosts/{hidden.host}", {"connection": "direct"})
        assert "called at its address" in await ends(digger)


async def test_a_rotation_keeps_it_going_and_cuts_off_the_former_token(shell: Shell, hidden: Agent) -> None:
    assert hidden.joined
    former = hidden.joined.agent_token
    async with dug(hidden) as digger:
        await shell.post(f"/hosts/{hidden.host}/rotate")
        assert (await digger.report()).renew
        new = (await shell.post("/agents/renew", {}, token=former)).body["agent_token"]
        async with dug(hidden, new) as follower:
            await ends(digger)
            assert not (await follower.report()).renew
            with pytest.raises(aiohttp.WSServerHandshakeError):
                async with dug(hidden, former):
                    pass
            assert await state(hidden) == "online"


async def test_a_token_that_is_replaced_by_a_report_ends_the_tunnel_that_it_opened(shell: Shell, hidden: Agent) -> None:
    assert hidden.joined
    former = hidden.joined.agent_token
    async with dug(hidden) as digger:
        await shell.post(f"/hosts/{hidden.host}/rotate")
        hidden.joined.agent_token = (await shell.post("/agents/renew", {}, token=former)).body["agent_token"]
        await hidden.report()
        assert "former token" in await ends(digger)


async def test_what_cannot_be_read_ends_it(shell: Shell, hidden: Agent, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    async with dug(hidden) as digger:
        await digger.socket.send_bytes(b"\xc1")
        await ends(digger)
        await _becomes(hidden, "reconnecting")
    assert caplog.text.count("sent what cannot be read") == 1
    assert caplog.text.count(f"{hidden.host} keeps a tunnel") == 1


async def test_an_agent_that_answers_no_ping_is_given_up(
    shell: Shell, hidden: Agent, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    monkeypatch.setattr("paas_agent.frames.PING_EVERY", 0.1)
    async with dug(hidden) as hears, dug(hidden, deaf=True) as deaf:
        await ends(hears)
        await ends(deaf)
    await _becomes(hidden, "reconnecting")
    assert "No PONG received" in caplog.text


async def test_a_controller_that_stops_says_so_and_does_not_wait_for_its_agents(shell: Shell, hidden: Agent) -> None:
    async with dug(hidden) as digger:
        await asyncio.wait_for(shell.stop(), 5)
        assert "the controller stops" in await ends(digger)
    await shell.start()
    assert await state(hidden) == "reconnecting"
