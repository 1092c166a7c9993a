"""What tests of trust have at hand: thieves, forgers, commands, and what is told."""

import asyncio
import ssl
import time
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from paas_agent.contract import agent_name
from paas_agent.keys import new_key
from paas_agent.tls import load_chain
from paas_controller.hosts.trust.authority import Authority, asked_key
from tests.testbeds.ports import free_port
from tests.testbeds.stack import API, BIN, Agent, until
from tests.testbeds.tls import TlsStack, membership


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
