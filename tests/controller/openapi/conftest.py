"""What is told over HTTP is the same on every database; one is enough here."""

from pathlib import Path

import pytest


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'data' / 'controller.db'}"
