"""docs/scripts.md says what is so."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts_repo.build import SOURCE
from tests.testbeds.ports import free_port
from tests.testbeds.stack import end_below

TEXT = (SOURCE.parent / "docs" / "scripts.md").read_text()
COMMANDS = re.findall(r"^```sh\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)


@pytest.fixture
def checkout(tmp_path: Path, tools_on_the_path: None) -> Iterator[Path]:
    """A checkout after `make setup`, also where this one has got its shop already. What is left running is ended."""
    shutil.copytree(SOURCE, tmp_path / "scripts_repo", ignore=shutil.ignore_patterns("shop"))
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parent.parent)
    yield tmp_path
    end_below(tmp_path)


def typed(commands: str, checkout: Path) -> str:
    """What is printed when a person types this there, all of which has to succeed."""
    environment, printed = os.environ | {"TMPDIR": str(checkout)}, checkout / "printed"
    with printed.open("w") as output:  # no pipe: a program left running would hold it open
        done = subprocess.run(
            ["bash", "-eu"], input=commands, cwd=checkout, env=environment, stdout=output, stderr=subprocess.STDOUT,
            text=True, check=False, timeout=120,
        )  # fmt: skip
    assert done.returncode == 0, printed.read_text()
    return printed.read_text()


def test_the_commands_that_make_a_software_and_try_it_alone_run_as_they_stand(checkout: Path) -> None:
    commands = "\n".join(COMMANDS[:3]).replace("/tmp/shop-1", str(checkout / "shop-1"))
    said = typed(commands.replace("8081", str(free_port())), checkout)
    checks = [line for line in said.splitlines() if line.startswith("{")]
    assert ['"code":"0"' in checks[0], '"msg":"shop does not run"' in checks[1]] == [True, True]
    assert not list((checkout / "shop-1").iterdir())
    row = next(line.strip() for line in TEXT.splitlines() if line.strip().startswith("Row("))
    assert row in said


def test_the_commands_that_try_it_through_an_agent_run_on_other_ports_as_they_say(checkout: Path) -> None:
    through = next(block for block in COMMANDS if "paas-agent join" in block)
    controller, agent, page = (str(free_port()) for _ in range(3))
    elsewhere = f'sed -i \'s/3334/{controller}/; s/8080/{page}/; s/"ip": "127.0.0.1"/&, "agent_port": {agent}/\''
    through = through.replace("3335", agent).replace("3334", controller)
    through = through.replace("--data-dir", f"--listen 127.0.0.1:{controller} --data-dir")
    made, created = through.split("paasctl middleware create")
    said = typed(f"{COMMANDS[0]}\n{made}{elsewhere} $PO/shop.json\npaasctl middleware create{created}", checkout)
    assert f"shop runs on port {page}" in said
    assert not list(checkout.glob("tmp.*"))


def test_each_helper_that_is_named_is_there() -> None:
    for file in ("instance.sh", "debian.sh"):
        chapter = TEXT.split(f"## What `{file}` gives")[1].split("\n## ")[0]
        named = re.findall(r"`([a-z_]+)", " ".join(re.findall(r"^\| (.+?) \|", chapter, re.MULTILINE)))
        there = re.findall(r"^([a-z_]+)(?:\(\)|=)", (SOURCE / file).read_text(), re.MULTILINE)
        assert len(named) > 5
        assert set(named) <= {*there, "software"}


def test_each_software_that_can_be_installed_is_listed() -> None:
    listed = re.findall(r"\]\((\S+/\S+)/README\.md\)", (SOURCE / "README.md").read_text())
    there = {str(path.parent.relative_to(SOURCE)) for path in SOURCE.glob("*/*/install.sh")}
    assert set(listed) <= there
    missing = ", ".join(there - set(listed))
    assert not missing, f"add a link in the table of scripts_repo/README.md for {missing}"
