"""What all tests may use."""

from collections.abc import Iterator

import pytest

from tests.testbeds.postgres import Server, server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL that all tests of this run share; each takes databases of its own."""
    with server() as running:
        yield running
