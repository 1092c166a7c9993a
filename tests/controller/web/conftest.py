"""The rooms below this one are tried on both databases; how HTTP looks does not depend on them."""

from pathlib import Path

import pytest


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'data' / 'controller.db'}"
