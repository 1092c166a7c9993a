"""The rooms below this one are tried on both databases; how HTTP looks does not depend on them."""

import shutil
from pathlib import Path

import pytest


@pytest.fixture
def database_url(tmp_path: Path, made_file: Path) -> str:
    (tmp_path / "data").mkdir(mode=0o700)
    return f"sqlite:///{shutil.copyfile(made_file, tmp_path / 'data' / 'controller.db')}"
