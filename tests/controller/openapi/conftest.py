"""What is told over HTTP is the same on every database; one is enough here."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.controller.shell import Shell


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'data' / 'controller.db'}"


@pytest.fixture
async def shell(tmp_path: Path, database_url: str) -> AsyncIterator[Shell]:
    """With a repository, of which the document tells as well."""
    script = tmp_path / "repo" / "redis" / "7.0" / "install.sh"
    script.parent.mkdir(parents=True)
    script.write_text("#!/bin/sh\n")
    shell = Shell(tmp_path / "data", settings={"database_url": database_url, "repo_dir": tmp_path / "repo"})
    await shell.start()
    yield shell
    await shell.stop()
