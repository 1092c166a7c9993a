"""docs/api.md: every command on it is run, against a real controller and a real agent, and answers what it says."""

import asyncio
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.testbeds.ports import free_port
from tests.testbeds.stack import Agent, Stack

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
MARK = "-- this block is done --"


def blocks() -> Iterator[tuple[str, Any]]:
    """Each block of commands, with the answer that follows it, if there is one."""
    found = re.findall(r"^```(sh|json)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    for (language, text), (following, answer) in zip(found, [*found[1:], ("", "")], strict=True):
        if language == "sh":
            yield text, json.loads(answer) if following == "json" else None


def shape(document: Any) -> Any:
    """The keys of a document at every depth; of a list, its first entry's."""
    if isinstance(document, dict):
        return {key: shape(value) for key, value in document.items()}
    return [shape(document[0])] if isinstance(document, list) and document else None


def here(text: str, stack: Stack, agent: Agent, ports: dict[str, int]) -> str:
    """The commands for this controller, this agent and free ports."""
    places = {
        "127.0.0.1:3334": f"127.0.0.1:{stack.port}",
        "127.0.0.1:3335": agent.host,
        '"agent_port": 3335': f'"agent_port": {agent.port}',
        "/var/lib/paas-controller": str(stack.folder / "controller"),
        "/var/lib/paas-agent": str(agent.work_dir),
    }
    for name, place in (places | {port: str(free) for port, free in ports.items()}).items():
        text = text.replace(name, place)
    return text


async def run(commands: str, folder: Path, seconds: float = 90) -> list[str]:
    """What each block printed; AssertionError where a command failed."""
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    shell = await asyncio.create_subprocess_exec(
        "bash", "-euo", "pipefail", cwd=folder, env=environment,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, wrong = await asyncio.wait_for(shell.communicate(commands.encode()), seconds)
    assert shell.returncode == 0, f"{said.decode()[-1000:]}\n{wrong.decode()}"
    return said.decode().split(MARK)


@pytest.mark.usefixtures("tools_on_the_path")
async def test_every_command_of_the_page_works_and_answers_what_it_says(tmp_path: Path) -> None:
    told = list(blocks())
    assert len(told) > 15
    ports = {name: free_port() for name in ("6399", "6398", "8099")}
    async with Stack(tmp_path, report_interval="1") as stack:
        agent = await stack.add_agent()
        commands = "".join(f"{here(text, stack, agent, ports)}\necho '{MARK}'\n" for text, _ in told)
        said = await run(commands, tmp_path)
    assert len(said) == len(told) + 1
    for (text, answer), printed in zip(told, said, strict=False):
        if answer is not None:
            got, _ = json.JSONDecoder().raw_decode(printed.strip())
            assert shape(got) == shape(answer), text
    (late,) = [printed for (text, _), printed in zip(told, said, strict=False) if "If-Match" in text]
    assert "somebody changed it meanwhile" in late
