"""What instance.sh says to the author of a server.sh."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from scripts_repo.build import SOURCE
from tests.scripts_repo.conftest import end
from tests.scripts_repo.instances import Instance, Row

START = f"""
. "{SOURCE}/instance.sh"
software=tool
patience=1
settings() {{ :; }}
configure() {{ :; }}
run() {{ launch 7 log/tool.log software/bin/sleep 100; }}
"""


@pytest.fixture
def tool(tmp_path: Path) -> Iterator[Callable[[str], Instance]]:
    """An instance whose server only sleeps, and what its server.sh says beyond."""
    made = Instance(Row("tool", "1", "tool.conf", ()), tmp_path / "scripts", tmp_path / "tool-1", None)
    for folder in (made.scripts, made.folder / "software" / "bin", made.folder / "log"):
        folder.mkdir(parents=True)
    shutil.copy("/bin/sleep", made.folder / "software" / "bin")

    def saying(text: str) -> Instance:
        (made.scripts / "start.sh").write_text(f"{START}\n{text}\nstart_server\n")
        return made

    yield saying
    end(made)


def start(instance: Instance) -> subprocess.CompletedProcess[str]:
    done = instance.run("start")
    assert done.returncode == 1
    return done


@pytest.mark.parametrize("file", ["pid", "run/pid"])
def test_a_server_that_writes_no_pid_is_said_not_to(tool: Callable[[str], Instance], file: str) -> None:
    told = start(tool(f"pid_file={file}")).stderr
    assert f"runs, but did not write ./{file} within 1 s: let it, or give server.sh a function opened; see" in told


def test_a_function_opened_is_about_the_port(tool: Callable[[str], Instance]) -> None:
    done = start(tool("opened() { false; }"))
    assert "runs, but did not open port 7 within 1 s; see" in done.stderr
    assert [psutil.Process(one.pid).name() for one in tool("").processes()] == ["sleep"]
