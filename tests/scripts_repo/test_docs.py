"""docs/scripts.md says what is so."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from scripts_repo.build import SOURCE
from tests.scripts_repo.instances import free_port

TEXT = (SOURCE.parent / "docs" / "scripts.md").read_text()


def test_the_commands_that_make_a_software_and_try_it_alone_run_as_they_stand(tmp_path: Path) -> None:
    shutil.copytree(SOURCE, tmp_path / "scripts_repo")
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parent.parent)
    blocks = re.findall(r"^```sh\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)[:3]
    commands = "\n".join(blocks).replace("/tmp/shop-1", str(tmp_path / "shop-1")).replace("8081", str(free_port()))
    done = subprocess.run(["sh", "-eu"], input=commands, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    checks = [line for line in done.stdout.splitlines() if line.startswith("{")]
    assert ['"code":"0"' in checks[0], '"msg":"shop does not run"' in checks[1]] == [True, True]
    assert not list((tmp_path / "shop-1").iterdir())


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
    assert not there - set(listed), "add a link for each in the table of scripts_repo/README.md"
    assert not set(listed) - there, "scripts_repo/README.md has a link to these, which are not there"
