"""When a tunnel ends: who takes its place, who is cut off, and who is told why."""

import asyncio

import aiohttp
import pytest

from tests.controller.agents import Agent
from tests.controller.hosts.tunnel.digger import becomes, dug, ends, ordered, state, tunnels
from tests.controller.shell import Shell


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
        await becomes(hidden, "reconnecting")
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
    await becomes(hidden, "reconnecting")
    assert "No PONG received" in caplog.text


async def test_a_controller_that_stops_says_so_and_does_not_wait_for_its_agents(shell: Shell, hidden: Agent) -> None:
    async with dug(hidden) as digger:
        await asyncio.wait_for(shell.stop(), 5)
        assert "the controller stops" in await ends(digger)
    await shell.start()
    assert await state(hidden) == "reconnecting"
