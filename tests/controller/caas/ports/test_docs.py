"""docs/ports.md: every command on it is run, and answers what it says."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.controller.shell import Shell
from tests.docs.test_api import MARK, run, shape

PAGE = (Path(__file__).parents[4] / "docs" / "ports.md").read_text()


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'data' / 'controller.db'}"


@pytest.mark.usefixtures("tools_on_the_path")
async def test_every_command_of_the_page_works_and_answers_what_it_says(shell: Shell, tmp_path: Path) -> None:
    await shell.restart()  # clusters have the pools that they begin with
    parts: list[tuple[str, Any]] = re.findall(r"^```(sh|json)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    commands = "".join(f"{text}\necho '{MARK}'\n" for language, text in parts if language == "sh")
    commands = commands.replace("http://127.0.0.1:3334", str(shell.address).rstrip("/"))
    printed = iter(await run(commands.replace("/var/lib/paas-controller", str(shell.folder)), tmp_path))
    said = ""
    for language, text in parts:
        if language == "sh":
            said = next(printed).strip()
        else:
            answers = [shape(json.loads(line)) for line in said.replace("}{", "}\n{").splitlines()]
            assert shape(json.loads(text)) in answers, text
