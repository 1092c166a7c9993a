"""The main job by TLS; rotation and renewal, while it goes on."""

import asyncio
import subprocess
import time

import msgspec
import pytest

from paas_controller.hosts.trust.authority import DAY
from tests.e2e.tiny import Instance, Maker
from tests.e2e.trust.means import new_token, paasctl, thief_of
from tests.testbeds.stack import BIN, Agent, until
from tests.testbeds.tls import TlsStack, membership, relayed

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_main_job_is_done_by_tls(stack: TlsStack, agent: Agent, db: Instance) -> None:
    await db.runs_from_nothing()
    assert membership(agent).pinned
    _, host = await stack.call("GET", f"/hosts/{agent.host}")
    assert "2026-11-tls" in host["features"]
    assert host["certificate_ends"] > time.strftime("%Y-%m-%d", time.gmtime(time.time() + 89 * DAY))


async def test_a_capture_of_the_traffic_shows_no_secret(stack: TlsStack) -> None:
    agent = Agent(stack.folder, stack.url, 90)
    async with relayed(stack.port) as (up, up_port), relayed(agent.port) as (down, down_port):
        agent.controller = f"https://127.0.0.1:{up_port}"
        token = await new_token(stack)
        command = [str(BIN / "paas-agent"), "join", "--work-dir", str(agent.work_dir), "--controller", agent.controller]
        places = ["--listen", f"127.0.0.1:{agent.port}", "--advertise", f"127.0.0.1:{down_port}"]
        await asyncio.to_thread(subprocess.run, [*command, *places, "--join-token", token], check=True)
        agent.start()
        agent_port, agent.port = agent.port, down_port  # as the controller sees it
        try:
            await until(lambda: stack._online(agent), "the agent behind the relay")
            maker = Maker(stack, [agent])
            db = maker(metadata={"DB_PASSWORD": "a-secret-of-the-database", "CONTROL": str(stack.folder / "c")})
            (stack.folder / "c").mkdir()
            await db.create()
            await db.wish("running")
            await db.says("", 1)
            await until(lambda: asyncio.sleep(0, len(down.passed) > 2000), "an order on its way")
            await stack.call("POST", f"/hosts/{agent.host}/rotate")
            await until(lambda: _rotated(stack, agent), "the rotation")
            known = membership(agent)
            seen = bytes(up.passed + down.passed)
            assert len(seen) > 5000
            secrets = [token, known.agent_token, known.controller_token, known.key, "a-secret-of-the-database"]
            for secret in [*secrets, "Bearer", "repo_url", "install.sh", "PRIVATE KEY"]:
                assert secret.encode() not in seen, secret
        finally:
            agent.kill()
            agent.port = agent_port


async def _rotated(stack: TlsStack, agent: Agent) -> bool:
    return not (await stack.call("GET", f"/hosts/{agent.host}"))[1]["rotating"]


async def test_rotation_replaces_tokens_and_certificate_and_no_report_is_lost(
    stack: TlsStack, agent: Agent, db: Instance
) -> None:
    await db.runs_from_nothing()
    before, thief, runs = membership(agent), thief_of(stack, agent), db.runs()
    code, printed = await paasctl(stack, "host", "rotate", agent.host)
    assert code == 0, printed
    await until(lambda: _rotated(stack, agent), "the rotation")
    after = membership(agent)
    assert before.agent_token != after.agent_token
    assert before.controller_token != after.controller_token
    assert before.certificate != after.certificate
    assert (await thief.reports(agent.host))[0] == 401
    thief.token = after.agent_token  # with the former certificate
    assert (await thief.reports(agent.host)) == (
        403, "this certificate was withdrawn; join this host again with paas-agent join",
    )  # fmt: skip
    await db.wish("restart")
    await until(lambda: asyncio.sleep(0, len(db.runs()) > len(runs)), "the restart, ordered with the new token")
    await db.becomes("running")
    assert "does not take reports" not in agent.log.read_text()
    _, events = await stack.call("GET", f"{db.path}/events")
    assert "unknow" not in str(events)
    assert membership(agent).former_controller_token == ""


async def test_every_host_is_rotated_by_one_command(stack: TlsStack, agent: Agent) -> None:
    before = membership(agent).agent_token
    code, printed = await paasctl(stack, "host", "rotate", "--all")
    assert code == 0, printed
    await until(lambda: asyncio.sleep(0, membership(agent).agent_token != before), "the new token")
    assert (await paasctl(stack, "host", "rotate"))[0] == 2


async def test_a_certificate_is_renewed_before_it_ends_and_the_tokens_stay(stack: TlsStack, agent: Agent) -> None:
    from paas_agent.membership import keep

    agent.stop()
    before = membership(agent)
    keep(msgspec.structs.replace(before, renew_at=time.time() - 1), agent.work_dir)
    await stack.start_agent(agent)
    await until(lambda: asyncio.sleep(0, membership(agent).certificate != before.certificate), "another certificate")
    after = membership(agent)
    assert after.agent_token == before.agent_token
    assert after.renew_at > time.time() + 59 * DAY
    assert "does not take reports" not in agent.log.read_text()


async def test_a_stopped_agent_that_was_to_be_rotated_is_when_it_comes_back(stack: TlsStack, agent: Agent) -> None:
    agent.stop()
    before = membership(agent).agent_token
    assert (await stack.call("POST", f"/hosts/{agent.host}/rotate"))[0] == 202
    stack.controller.stop()
    await stack.start_controller()
    agent.start()
    await until(lambda: asyncio.sleep(0, membership(agent).agent_token != before), "the new token")
    await until(lambda: _rotated(stack, agent), "the rotation")
