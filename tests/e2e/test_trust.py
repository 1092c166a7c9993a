"""Trust over real sockets: the main job by TLS, who is refused and how it is told, rotation, renewal, revocation."""

import asyncio
import ssl
import subprocess
import time
import warnings
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
import pytest_asyncio

from paas_agent.contract import agent_name
from paas_agent.keys import new_key
from paas_agent.tls import load_chain
from paas_controller.hosts.trust.authority import DAY, Authority, asked_key
from tests.e2e.tiny import Instance, Maker, publish
from tests.testbeds.ports import free_port
from tests.testbeds.stack import API, BIN, Agent, until
from tests.testbeds.tls import TlsStack, membership, relayed

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TlsStack]:
    folder = tmp_path_factory.mktemp("stack")
    publish(folder / "repo" / "tiny")
    async with TlsStack(folder, folder / "repo", report_interval="0.5") as stack:
        yield stack


@pytest_asyncio.fixture(loop_scope="module")
async def agent(stack: TlsStack) -> AsyncIterator[Agent]:
    """A host of the test's own."""
    agent = await stack.add_agent()
    yield agent
    agent.kill()


@pytest_asyncio.fixture(loop_scope="module")
async def db(stack: TlsStack, agent: Agent) -> AsyncIterator[Instance]:
    maker = Maker(stack, [agent])
    yield maker()
    await maker.end()


@dataclass
class Thief:
    """Somebody on the network who has got hold of a token, a certificate, or both."""

    url: str
    token: str
    certificate: str = ""
    key: str = ""

    async def reports(self, host: str) -> tuple[int, str]:
        """What a report for this host is answered."""
        report = {"host": host, "epoch": "stolen", "sequence": 1, "full": True, "sent_at": time.time()}
        headers = {"Authorization": f"Bearer {self.token}"}
        url = f"{self.url}{API}/agents/report"
        async with self.session() as session, session.post(url, json=report, headers=headers) as answer:
            said = await answer.json()
            return answer.status, said.get("error", {}).get("message", "")

    def session(self) -> aiohttp.ClientSession:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if self.certificate:
            load_chain(context, self.certificate, self.key)
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context))


def thief_of(stack: TlsStack, agent: Agent) -> Thief:
    """Has all that this agent has."""
    known = membership(agent)
    return Thief(stack.url, known.agent_token, known.certificate, known.key)


def forged(agent: Agent, authority: Authority, *, enrolment: str = "", now: float | None = None) -> tuple[str, str]:
    """A certificate for this agent's names by that CA, made at that moment; and its key."""
    new = new_key()
    context = ssl.create_default_context(cadata=membership(agent).ca)
    load_chain(context, membership(agent).certificate, membership(agent).key)
    own = enrolment or _enrolment(agent)
    moment = time.time() if now is None else now
    return authority.for_agent(asked_key(new.request), ("127.0.0.1", str(agent.port)), [own], moment), new.key


def _enrolment(agent: Agent) -> str:
    """What its certificate is known by."""
    from cryptography import x509

    read = x509.load_pem_x509_certificate(membership(agent).certificate.encode())
    found = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    name = next(name for name in found.get_values_for_type(x509.DNSName) if name.endswith(agent_name("")))
    return str(name).removesuffix(agent_name(""))


async def row_says(stack: TlsStack, host: str, words: str) -> None:
    """Waits until a row of the audit tells that this host was refused, in these words."""

    async def told() -> bool:
        _, page = await stack.call("GET", "/audit")
        return any(row["about"] == host and words in row["sentence"] and row["status"] == 403 for row in page["items"])

    await until(told, f"a row about {host} that says {words!r}")


async def log_says(log: Path, words: str) -> None:
    async def told() -> bool:
        return words in log.read_text()

    await until(told, f"{log} to say {words!r}")


async def paasctl(stack: TlsStack, *command: str, **environment: str) -> tuple[int, str]:
    known = {"PAAS_URL": stack.url, "PAAS_TOKEN": stack.token, "PAAS_CA_FILE": str(stack.data / "ca.pem")} | environment
    process = await asyncio.create_subprocess_exec(
        str(BIN / "paasctl"), *command, env=known | {"HOME": str(stack.folder)},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    printed, _ = await process.communicate()
    return process.returncode or 0, printed.decode()


async def join(stack: TlsStack, *arguments: str) -> tuple[int, str]:
    """`paas-agent join` with a fresh folder."""
    work = stack.folder / f"joining{free_port()}"
    process = await asyncio.create_subprocess_exec(
        str(BIN / "paas-agent"), "join", "--work-dir", str(work), "--listen", f"127.0.0.1:{free_port()}", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    printed, _ = await process.communicate()
    return process.returncode or 0, printed.decode()


async def new_token(stack: TlsStack) -> str:
    return str((await stack.call("POST", "/hosts/join-tokens"))[1]["join_token"])


# All goes well


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


# Who is refused


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


# Joining, and what people see


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
