"""What all tests may use."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.testbeds import tools
from tests.testbeds.hosts import bed as hosts
from tests.testbeds.hosts.host import Host
from tests.testbeds.hosts.machine import CannotStart
from tests.testbeds.postgres import Server, programs, server


@pytest.fixture(scope="session")
def tools_on_the_path() -> Iterator[None]:
    """For tests that run cc or curl."""
    with tools.on_the_path():
        yield


@pytest.fixture(scope="session")
def postgres_programs() -> Iterator[Path]:
    with programs() as folder:
        yield folder


@pytest.fixture(scope="session")
def postgres(postgres_programs: Path) -> Iterator[Server]:
    """A PostgreSQL that all tests of this run share; each takes databases of its own."""
    with server(postgres_programs) as running:
        yield running


@pytest.fixture(scope="module")
def own_postgres(postgres_programs: Path) -> Iterator[Server]:
    """One that the tests of a file may stop and kill."""
    with server(postgres_programs) as running:
        yield running


@pytest.fixture(scope="session")
def bed() -> Iterator[hosts.Bed]:
    """A network for hosts. Where there can be none its tests are skipped with the reason, and CI must not."""
    with ExitStack() as stack:
        try:
            made = stack.enter_context(hosts.bed())
        except CannotStart as error:
            pytest.fail(str(error)) if os.environ.get("CI") == "true" else pytest.skip(str(error))
        yield made


@pytest.fixture(scope="session")
def four_hosts(bed: hosts.Bed) -> list[Host]:
    """Hosts that all tests of this run share; each leaves them as it found them."""
    return bed.add(4)


@pytest.fixture
def fresh_host(bed: hosts.Bed) -> Iterator[Host]:
    """A host of the test's own, as new."""
    [host] = bed.add()
    yield host
    host.erase()
