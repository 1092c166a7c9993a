"""How hosts and people come to trust a controller, and what is said where that cannot be."""

import asyncio
import ssl
import time
import warnings
from pathlib import Path
from typing import Any

import msgspec
import pytest

from paas_agent.keys import new_key
from paas_controller.hosts.trust.authority import Authority, asked_key
from tests.e2e.tiny import Maker, publish
from tests.e2e.trust.means import Thief, join, log_says, new_token, paasctl
from tests.testbeds.stack import Agent
from tests.testbeds.tls import TlsStack, membership

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_join_by_a_token_with_a_wrong_fingerprint_tells_nothing(stack: TlsStack) -> None:
    token = (await new_token(stack)).partition(".")[0]
    code, printed = await join(stack, "--controller", stack.url, "--join-token", f"{token}.{'0' * 64}")
    assert code == 1
    assert "is not the controller that gave this token" in printed
    assert (await join(stack, "--controller", stack.url, "--join-token", await new_token(stack)))[0] == 0


async def test_a_join_without_the_fingerprint_takes_the_ca_file(stack: TlsStack) -> None:
    token = (await new_token(stack)).partition(".")[0]
    code, printed = await join(stack, "--controller", stack.url, "--join-token", token)
    assert code == 1
    assert "is of a CA that is not known here: join again with a new token, or name the CA by --ca-file" in printed
    ca = str(stack.data / "ca.pem")
    code, printed = await join(stack, "--controller", stack.url, "--join-token", token, "--ca-file", ca)
    assert code == 0, printed


async def test_a_join_by_plain_http_is_told_to_write_https(stack: TlsStack) -> None:
    plain = stack.url.replace("https", "http")
    code, printed = await join(stack, "--controller", plain, "--join-token", await new_token(stack))
    assert (code, "this token is for a controller with TLS: write https://127.0.0.1" in printed) == (2, True)
    code, printed = await join(stack, "--controller", plain, "--join-token", "x")
    assert (code, "https" in printed) == (1, True), printed
    await log_says(stack.controller.log, "speaks plain HTTP where TLS is served")


async def test_an_agent_that_would_speak_plain_http_off_loopback_is_refused(stack: TlsStack) -> None:
    elsewhere = ("--plain-http", "--advertise", "192.0.2.7:3335")
    token = await new_token(stack)
    code, printed = await join(stack, "--controller", stack.url, "--join-token", token, *elsewhere)
    assert code == 1
    assert "192.0.2.7 would be spoken to by plain HTTP: join without --plain-http" in printed


async def test_an_agent_says_that_its_controller_is_another_one_now(stack: TlsStack, tmp_path: Path) -> None:
    agent = await stack.add_agent()
    agent.stop()
    known: Any = membership(agent)
    from paas_agent.membership import keep

    keep(msgspec.structs.replace(known, ca=Authority.made(time.time()).text), agent.work_dir)
    agent.start()
    await log_says(agent.log, "its certificate is of a CA that is not known here: join again with a new token")
    await log_says(stack.controller.log, "127.0.0.1 hung up during the handshake; if it is an agent, its log says why")
    agent.kill()


async def test_people_trust_the_controller_by_its_ca_file(stack: TlsStack) -> None:
    assert (await paasctl(stack, "host", "list"))[0] == 0
    code, printed = await paasctl(stack, "host", "list", PAAS_CA_FILE="")
    assert code == 4
    assert "set PAAS_CA_FILE to a copy of ca.pem" in printed
    code, token = await paasctl(stack, "host", "token")
    assert code == 0
    assert f".{stack.authority(time.time()).fingerprint}\n" in token


async def test_no_tls_of_before_1_2_is_spoken(stack: TlsStack) -> None:
    old = ssl.create_default_context(cafile=stack.data / "ca.pem")
    with warnings.catch_warnings(action="ignore"):
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, OSError)):
        await asyncio.open_connection("127.0.0.1", stack.port, ssl=old)


async def test_a_certificate_of_ones_own_is_served_and_hosts_still_get_theirs(tmp_path: Path) -> None:
    company, key = Authority.made(time.time()), new_key()
    chain = company.issue(asked_key(key.request), "company", ["127.0.0.1"], time.time())
    (tmp_path / "company.pem").write_text(chain)
    (tmp_path / "company.key").write_text(key.key)
    (tmp_path / "company-ca.pem").write_text(company.text)
    publish(tmp_path / "repo" / "tiny")
    files = {"tls_certificate": str(tmp_path / "company.pem"), "tls_key": str(tmp_path / "company.key")}
    async with TlsStack(
        tmp_path / "stack", tmp_path / "repo", ca=company.text, report_interval="0.5", **files
    ) as stack:
        token = await new_token(stack)
        assert "." not in token
        agent = Agent(stack.folder, stack.url, 0)
        agent.trusts = tmp_path / "company-ca.pem"
        await asyncio.to_thread(agent.join, token)
        await stack.start_agent(agent)
        stack.agents.append(agent)
        assert not membership(agent).pinned
        assert (await Thief(stack.url, membership(agent).agent_token).reports(agent.host))[0] == 403
        maker = Maker(stack, [agent])
        await maker().runs_from_nothing()
        await maker.end()
