"""Encrypted on both ways as soon as there is a certificate."""

import ssl
import subprocess
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from paas_agent.contract import TLS
from tests.agent.harness import Agent, Controller, served, until


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 that signs itself, with its key in the same file."""
    file = tmp_path / "both.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ]
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command, *subject, "-keyout", file, "-out", f"{file}.crt"], check=True, capture_output=True)
    with file.open("a") as both:
        both.write(Path(f"{file}.crt").read_text())
    return file


async def test_with_certificates_both_ways_are_encrypted(
    idle_agent: Agent,
    controller: Controller,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(certificate)
    base = "/apis/v1alpha1/agents"
    routes = (web.post(f"{base}/join", controller.join), web.post(f"{base}/report", controller.report))
    monkeypatch.setenv("PAAS_AGENT_CA_FILE", str(certificate))
    monkeypatch.setenv("PAAS_AGENT_TLS_CERTIFICATE", str(certificate))
    async with served(*routes, tls=serving) as url:
        here = ("--work-dir", str(idle_agent.work_dir), "--listen", f"127.0.0.1:{idle_agent.port}")
        code, printed = await idle_agent.command("join", *here, "--controller", url, "--join-token", "let-me-in")
        assert code == 0, printed
        trusting = ssl.create_default_context(cafile=str(certificate))
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusting)) as session:
            agent = Agent(idle_agent.work_dir, idle_agent.port, session, log=idle_agent.log, scheme="https")
            await agent.start()
            assert TLS in (await agent.call("GET", "/ping"))[1]["features"]
            await until(lambda: controller.reports)
            assert TLS in controller.reports[-1].features
            await agent.stop()
