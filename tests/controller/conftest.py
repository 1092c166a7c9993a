"""A controller on a folder of its own, and agents on loopback. Whatever keeps something is tried on both databases."""

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from paas_controller.migrations.schema import bring_up_to_date
from paas_controller.store.engines import transaction
from tests.controller.agents import Agent
from tests.controller.shell import Shell
from tests.testbeds.postgres import Server

_ON_ONE = {"test_checks.py", "test_paasctl.py", "test_roles.py", "test_routes.py", "test_schemas.py", "test_views.py"}
"""Tests of what does not depend on the database, and would take as long again."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = [item for item in items if not (item.path.name in _ON_ONE and "[postgres" in item.name)]


@pytest.fixture(scope="session")
def made_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of SQLite with the tables of this release."""
    file = tmp_path_factory.mktemp("made") / "controller.db"
    with transaction(f"sqlite:///{file}") as connection:
        bring_up_to_date(connection)
    return file


@pytest.fixture(scope="session")
def made_database(postgres: Server) -> Iterator[str]:
    """The name of one of PostgreSQL, likewise."""
    with postgres.database() as url:
        with transaction(url) as connection:
            bring_up_to_date(connection)
        yield str(make_url(url).database)


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database with the tables of this release, and nothing in them."""
    if request.param == "sqlite":
        (tmp_path / "data").mkdir(mode=0o700)
        file = shutil.copyfile(request.getfixturevalue("made_file"), tmp_path / "data" / "controller.db")
        yield f"sqlite:///{file}"
    else:
        server: Server = request.getfixturevalue("postgres")
        with server.database(like=request.getfixturevalue("made_database")) as url:
            yield url


@pytest.fixture
async def shell(tmp_path: Path, database_url: str) -> AsyncIterator[Shell]:
    shell = Shell(tmp_path / "data", settings={"database_url": database_url})
    await shell.start()
    yield shell
    await shell.stop()


@pytest.fixture
async def agent(shell: Shell) -> AsyncIterator[Agent]:
    """An agent that has not joined yet."""
    agent = Agent(shell)
    await agent.start()
    yield agent
    await agent.stop()


@pytest.fixture
async def joined(agent: Agent) -> Agent:
    await agent.join()
    return agent
