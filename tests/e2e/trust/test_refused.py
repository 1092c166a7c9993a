"""Who is refused, at once, and how that is told."""

import asyncio
import ssl
import time

import aiohttp
import pytest

from paas_agent.tls import load_chain
from paas_controller.hosts.trust.authority import DAY, Authority
from tests.e2e.tiny import Instance
from tests.e2e.trust.means import Thief, forged, log_says, row_says, thief_of
from tests.testbeds.stack import Agent
from tests.testbeds.tls import TlsStack, membership

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_stolen_token_is_worth_nothing_without_its_certificate(stack: TlsStack, agent: Agent) -> None:
    thief = Thief(stack.url, membership(agent).agent_token)
    told = f"the token of {agent.host} came without that host's certificate"
    status, sentence = await thief.reports(agent.host)
    assert (status, sentence.startswith(told)) == (403, True)
    await row_says(stack, agent.host, told)


async def test_the_certificate_of_one_host_is_not_that_of_another(stack: TlsStack, agent: Agent) -> None:
    other = await stack.add_agent()
    thief = thief_of(stack, other)
    assert (await thief.reports(other.host))[0] == 202
    assert (await thief.reports(agent.host))[0] == 403
    thief.token = membership(agent).agent_token
    told = f"this certificate is that of {other.host}, and the token is not"
    status, sentence = await thief.reports(agent.host)
    assert (status, sentence.startswith(told)) == (403, True)
    await row_says(stack, agent.host, told)
    other.kill()


async def test_an_ended_certificate_is_refused_with_what_to_do(stack: TlsStack, agent: Agent) -> None:
    thief = thief_of(stack, agent)
    now = time.time()
    thief.certificate, thief.key = forged(agent, stack.authority(now), now=now - 91 * DAY)
    status, sentence = await thief.reports(agent.host)
    assert status == 403
    assert sentence.startswith(f"the certificate of {agent.host} ended on 20")
    assert "paas-agent join" in sentence
    await row_says(stack, agent.host, "ended on")


async def test_a_certificate_that_made_itself_is_refused_with_a_row(stack: TlsStack, agent: Agent) -> None:
    thief = thief_of(stack, agent)
    thief.certificate, thief.key = forged(agent, Authority.made(time.time()))
    with pytest.raises((aiohttp.ClientError, OSError)):
        await thief.reports(agent.host)
    await log_says(stack.controller.log, "shows a certificate that is not of this controller's CA")


async def test_a_removed_host_is_refused_at_once_on_its_open_connection(stack: TlsStack) -> None:
    agent = await stack.add_agent()
    agent.kill()
    thief = thief_of(stack, agent)
    async with thief.session() as session:
        url, headers = f"{stack.url}/healthz", {"Authorization": f"Bearer {thief.token}"}

        async def asks() -> int:
            async with session.get(f"{stack.url}/openapi.json", headers=headers) as answer:
                return answer.status

        assert await asks() == 200
        assert (await stack.call("DELETE", f"/hosts/{agent.host}"))[0] == 200
        assert await asks() == 401
        headers["Authorization"] = f"Bearer {stack.token}"
        assert await asks() == 401, "whatever else it shows, the certificate was withdrawn"
        assert session.connector is not None
        async with session.get(url) as answer:
            assert answer.status == 200


async def test_an_agent_takes_orders_of_its_controller_alone(stack: TlsStack, agent: Agent) -> None:
    known = membership(agent)
    for certificate, key, status in (("", "", 403), (known.certificate, known.key, 403)):
        thief = Thief(stack.url, known.controller_token, certificate, key)
        async with thief.session() as session:
            headers = {"Authorization": f"Bearer {known.controller_token}"}
            async with session.get(f"https://{agent.host}/instances", headers=headers) as answer:
                assert answer.status == status
                assert "the certificate of this host's controller" in await answer.text()
            async with session.get(f"https://{agent.host}/ping") as answer:
                assert answer.status == 200


async def test_an_order_is_not_given_to_whoever_listens_there_instead(stack: TlsStack, db: Instance) -> None:
    agent, impostor = db.agent, await stack.add_agent()
    agent.stop()
    impostor.kill()
    known = membership(impostor)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    load_chain(context, known.certificate, known.key)
    asked: list[bytes] = []

    async def listens(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.read(1000))
        writer.close()

    server = await asyncio.start_server(listens, "127.0.0.1", agent.port, ssl=context)
    async with server:
        await db.create()
        await db.wish("running")
        await row_says(stack, agent.host, "is that of another host")
    assert asked == []
    await stack.start_agent(agent)
    await db.becomes("running")
