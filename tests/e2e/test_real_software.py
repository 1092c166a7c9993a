"""Redis and nginx of the repository, with the product as shipped."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.testbeds.ports import free_port
from tests.testbeds.stack import REPO, Agent, Stack, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    async with Stack(tmp_path_factory.mktemp("stack"), REPO, report_interval="1") as stack:
        yield stack


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def agent(stack: Stack) -> Agent:
    return await stack.add_agent()


async def _create(stack: Stack, kind: str, body: dict[str, Any], **status: str) -> None:
    body["app"] |= {"status": status, "check_interval": 1}
    code, answer = await stack.call("POST", f"/{kind}/create", body)
    assert code == 201, answer


async def _ask(port: int, *commands: str) -> list[str]:
    """What redis answers to each of these, a line each."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write("".join(f"{command}\r\n" for command in commands).encode())
    answers = [(await reader.readline()).decode().strip() for _ in commands]
    writer.close()
    return answers


async def _put(stack: Stack, path: str) -> None:
    code, answer = await stack.call("PUT", path)
    assert code == 202, answer


async def test_redis_keeps_its_data_over_a_kill_a_restart_and_an_uninstall(stack: Stack, agent: Agent) -> None:
    port = free_port()
    body = stack.body("kept", "redis/7.0", agent, PORT=str(port), PASSWORD="pass word")
    await _create(stack, "database", body, expect="running")
    await stack.becomes("database", "kept", "running", 60)
    login = 'AUTH "pass word"'
    assert await _ask(port, "PING", login, "SET colour green") == ["-NOAUTH Authentication required.", "+OK", "+OK"]
    for _ in range(2):
        before = agent.pid_of("database", "kept")
        os.kill(before, signal.SIGKILL)
        await _another_pid(stack, agent, "kept", before)
    await _put(stack, "/database/kept/restart")
    await _put(stack, "/database/kept/not-installed")
    await stack.becomes("database", "kept", "not-installed", 60)
    await _put(stack, "/database/kept/running")
    await stack.becomes("database", "kept", "running", 60)
    assert await _ask(port, login, "STRLEN colour") == ["+OK", ":5"]


async def test_a_redis_that_runs_already_is_adopted_without_a_script_beside_it(stack: Stack, agent: Agent) -> None:
    body = stack.body("adopted", "redis/7.0", agent, PORT=str(free_port()), PASSWORD="secret")
    await _create(stack, "database", body, expect="running")
    await stack.becomes("database", "adopted", "running", 60)
    pid = agent.pid_of("database", "adopted")
    await stack.call("DELETE", "/database/adopted?orphan=true")
    await _create(stack, "database", body, realtime="running")

    async def watched() -> bool:
        _, record = await stack.call("GET", "/database/adopted")
        return record["members"][0]["alive"] is True

    await until(watched, "the adopted redis to be watched")
    assert await stack.realtime("database", "adopted") == "running"
    assert agent.pid_of("database", "adopted") == pid
    _, operations = await stack.call("GET", "/database/adopted/operations")
    assert [each["action"] for each in operations["items"]] == ["start", "install"]


async def test_a_port_that_is_taken_is_said_to_be_so_and_heals_when_it_is_free(stack: Stack, agent: Agent) -> None:
    port = free_port()
    taker = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", port)
    await _create(stack, "middleware", stack.body("late", "nginx/1.22", agent, PORT=str(port)), expect="running")

    async def said() -> bool:
        _, record = await stack.call("GET", "/middleware/late")
        last = record["members"][0]["last_operation"]
        return bool(last and last["state"] == "failed" and str(port) in last["message"])

    await until(said, "nginx to say that its port is taken", 60)
    taker.close()
    await taker.wait_closed()
    await stack.becomes("middleware", "late", "running", 60)


async def _another_pid(stack: Stack, agent: Agent, name: str, before: int) -> None:
    async def healed() -> bool:
        running = await stack.realtime("database", name) == "running"
        return running and agent.pid_of("database", name) != before

    await until(healed, f"{name} to heal", 60)
