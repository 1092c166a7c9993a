"""The whole document, tried by schemathesis: no 500, no answer that is not in it, nobody without a token."""

import asyncio
import logging
import os
import sys
from pathlib import Path

import pytest

from tests.controller.agents import Agent
from tests.controller.shell import Shell

CONFIG = Path(__file__).parent / "schemathesis.toml"
LIMIT = 45
"""Seconds."""
ENDLESS = "(/apis/v1alpha1|/api/v1)/events$"


async def test_the_api_is_what_its_document_says(
    shell: Shell, joined: Agent, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert joined.joined
    for kind in ("database", "middleware"):
        await shell.create(joined.host, name="redis-1", kind=kind, status={"expect": "running"})
    tool = Path(sys.executable).parent / "schemathesis"
    address = str(shell.address).rstrip("/")
    process = await asyncio.create_subprocess_exec(
        tool, "--config-file", CONFIG, "run", f"{address}/openapi.json", "--no-color", "--max-time", str(LIMIT),
        "--continue-on-failure", "--exclude-path-regex", ENDLESS, "--header", f"Authorization: Bearer {shell.token}",
        cwd=tmp_path, env=os.environ | {"AGENT_TOKEN": joined.joined.agent_token},
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    told, _ = await process.communicate()
    assert process.returncode == 0, told.decode()
    ours = [record for record in caplog.records if record.name.startswith("paas_controller")]
    assert [record.getMessage() for record in ours if record.levelno >= logging.ERROR] == []
