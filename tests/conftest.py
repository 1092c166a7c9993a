"""What all tests may use."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from tests.client.quickly import quickly
from tests.packaging.conftest import ROOT, packages_of
from tests.testbeds import tools
from tests.testbeds.hosts import bed as hosts
from tests.testbeds.hosts.host import Host
from tests.testbeds.hosts.machine import CannotStart, locked
from tests.testbeds.kubernetes.cluster import Cluster, cluster
from tests.testbeds.memory import memory
from tests.testbeds.postgres import Server, programs, server

T = TypeVar("T")
_LONGEST = (
    "testbeds/test_kubernetes.py", "packaging/test_packages.py", "scripts_repo/test_slow.py",
    "e2e/test_every_software.py", "packaging/test_bundle.py", "packaging/test_on_hosts.py", "packaging/test_wheels.py",
    "packaging/test_upgrade.py", "e2e/test_bootstrap.py", "controller/openapi/test_schemathesis.py",
    "e2e/test_agent_killed.py", "agent/test_crash.py", "scripts_repo/test_rabbitmq.py", "scripts_repo/test_folders.py",
    "controller/caas/test_paasctl.py", "controller/caas/test_crashes.py", "controller/caas/test_cluster_faults.py",
    "controller/migrations/test_move.py", "controller/caas/test_docs.py", "e2e/test_caas_killed.py",
    "controller/caas/test_no_answer.py", "controller/test_main.py",
)  # fmt: skip
"""The files that take longest, longest first; before them the two that build where the cache has nothing."""


def pytest_configure() -> None:
    """pytest's own folders are in memory: the tests make hundreds of databases, and each change waits for its disk."""
    if folder := memory():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(folder))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files are handed out in this order: no worker begins with the longest one when the others are nearly done."""
    rank = {Path(__file__).parent / name: number for number, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: rank.get(item.path, len(rank)))


@pytest.fixture(scope="session")
def tools_on_the_path() -> Iterator[None]:
    """For tests that run cc or curl."""
    with tools.on_the_path():
        yield


@pytest.fixture(scope="session")
def quick() -> Iterator[tuple[str, ...]]:
    """What starts paasctl at once."""
    with quickly("paasctl", "paas_client.paasctl") as command:
        yield command


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
    """A network for hosts."""
    with came_up(hosts.bed()) as made:
        yield made


@pytest.fixture(scope="session")
def kubernetes() -> Iterator[Cluster]:
    """A Kubernetes that all tests of this run share; each takes namespaces of its own."""
    with came_up(cluster()) as made:
        yield made


@contextmanager
def came_up(bed: AbstractContextManager[T]) -> Iterator[T]:
    """The bed. Where there can be none its tests are skipped with the reason, and CI must not."""
    with ExitStack() as stack:
        try:
            made = stack.enter_context(bed)
        except CannotStart as error:
            pytest.fail(str(error)) if os.environ.get("CI") == "true" else pytest.skip(str(error))
        yield made


@pytest.fixture(scope="session")
def four_hosts(bed: hosts.Bed) -> list[Host]:
    """Hosts that all tests of this run share; each leaves them as it found them."""
    return bed.add(4)


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the agent's packages as they are in the working tree, built once for all workers of a run."""
    own = tmp_path_factory.getbasetemp()
    shared = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "agent-packages"
    with locked(shared.with_suffix(".lock")):
        if not shared.exists():
            packages_of(ROOT, tmp_path_factory.mktemp("packages")).rename(shared)
    return shared


@pytest.fixture
def fresh_host(bed: hosts.Bed) -> Iterator[Host]:
    """A host of the test's own, as new."""
    [host] = bed.add()
    yield host
    host.erase()
