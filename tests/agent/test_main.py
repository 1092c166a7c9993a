"""The program as people use it: join, run, an order by curl, and the end."""

import asyncio
import json
import signal
import socket
from pathlib import Path

import pytest

from paas_agent import __version__
from paas_agent.manifest import status_of
from tests.agent.harness import Agent, Controller, Orders


async def test_an_order_is_fetched_run_and_reported(agent: Agent, controller: Controller, order: Orders) -> None:
    await agent.order("install", order("first"))
    outcome = await controller.outcome("first")
    assert (outcome.state, outcome.status, outcome.installed) == ("succeeded", "stopped", True)
    await agent.order("start", order("second"))
    outcome = await controller.outcome("second")
    assert (outcome.state, outcome.status, outcome.alive) == ("succeeded", "running", True), outcome
    await agent.order("stop", order("third"))
    outcome = await controller.outcome("third")
    assert (outcome.state, outcome.status, outcome.alive) == ("succeeded", "stopped", None)
    await agent.order("uninstall", order("fourth"))
    assert (await controller.outcome("fourth")).status == "not-installed"
    assert controller.changes == [
        ("not-installed", "stopped", "action"),
        ("stopped", "running", "action"),
        ("running", "stopped", "action"),
        ("stopped", "not-installed", "action"),
    ]


async def test_an_agent_that_has_not_joined_does_not_serve(idle_agent: Agent, tmp_path: Path) -> None:
    code, printed = await idle_agent.command("run", "--work-dir", str(tmp_path / "other"))
    assert code == 1
    assert printed.startswith("paas-agent: this agent has not joined: run `paas-agent join")
    assert printed.count("\n") == 1


async def test_a_second_agent_in_the_same_folder_is_refused(agent: Agent) -> None:
    code, printed = await agent.command("run", "--work-dir", str(agent.work_dir), "--listen", "127.0.0.1:0")
    assert (code, printed) == (1, f"paas-agent: another agent is running in {agent.work_dir}\n")


async def test_a_port_that_is_taken_is_a_sentence(
    agent: Agent, tmp_path: Path, controller: Controller, unused_tcp_port: int
) -> None:
    other = tmp_path / "other"
    here = ("--work-dir", str(other), "--listen", f"127.0.0.1:{unused_tcp_port}")
    code, _ = await agent.command("join", *here, "--controller", controller.url, PAAS_AGENT_JOIN_TOKEN="let-me-in")
    assert code == 0
    code, printed = await agent.command("run", *here)
    assert code == 1
    assert "address already in use" in printed
    assert "Traceback" not in printed


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_agent_cleanly(agent: Agent, number: int) -> None:
    assert await agent.stop(number) == 0
    assert "Traceback" not in agent.log.read_text()


async def test_the_service_manager_is_told_when_the_agent_is_ready(
    idle_agent: Agent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "200000")
        await idle_agent.start()
        loop = asyncio.get_running_loop()
        told: set[bytes] = set()
        while len(told) < 3:
            told.add(await loop.sock_recv(manager, 100))
        assert told == {b"READY=1", b"WATCHDOG=1", b"STATUS=" + status_of(__version__).encode()}
        await idle_agent.stop()


async def test_logs_are_json_where_no_terminal_is(agent: Agent, controller: Controller, order: Orders) -> None:
    await agent.order("install", order("op"))
    await controller.outcome("op")
    lines = [json.loads(line) for line in agent.log.read_text().splitlines()]
    assert {line["operation_id"] for line in lines if "operation_id" in line} == {"op"}
    assert {"at", "level", "room", "message"} <= set(lines[0])
