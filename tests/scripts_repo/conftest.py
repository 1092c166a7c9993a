import gzip
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from scripts_repo.build import SOURCE, build, cache_folder
from tests.scripts_repo.instances import SOFTWARE, Instance, Row, wait_for
from tests.scripts_repo.nginx_source import put_nginx
from tests.scripts_repo.vendor import put_mysql
from tests.testbeds.memory import memory
from tests.testbeds.ports import free_port

USERS = [None, "nobody"] if os.geteuid() == 0 else [None]


@pytest.fixture(scope="session")
def repo() -> Path:
    """dist/repo as `make repo` leaves it."""
    folder = SOURCE.parent / "dist" / "repo"
    build(SOURCE, folder, cache_folder())
    return folder


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter; pytest's own is closed to others."""
    with tempfile.TemporaryDirectory(prefix="instances-", dir=memory(room=8)) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder).resolve()


@pytest.fixture(scope="session")
def served(repo: Path, open_folder: Path, tools_on_the_path: None) -> Path:
    """The repository where every user can read it, with what people bring. Uncompressed, packages install faster."""
    folder = Path(shutil.copytree(repo, open_folder / "repo", ignore=shutil.ignore_patterns("*.tar.gz")))
    for package in repo.glob("*/*/*.tar.gz"):
        (folder / package.relative_to(repo)).write_bytes(gzip.decompress(package.read_bytes()))
    put_mysql(folder, "5.7", "8.0")
    put_nginx(folder)
    return folder


@pytest.fixture(scope="session")
def installed(served: Path, open_folder: Path) -> Callable[[Row, str | None], Path]:
    """The folder of an instance that was just installed; where that takes seconds, it is done once for each user."""
    made: dict[tuple[str, str | None], Path] = {}

    def of(row: Row, user: str | None) -> Path:
        if (str(row), user) not in made:
            instance = new_instance(row, served, open_folder, user)
            instance.do("install")
            made[str(row), user] = instance.folder
        return made[str(row), user]

    return of


def new_instance(row: Row, served: Path, open_folder: Path, user: str | None, **metadata: str) -> Instance:
    folder = Path(tempfile.mkdtemp(prefix=f"{row.name}-", dir=open_folder))
    if user:
        shutil.chown(folder, user)
    known = {port: str(free_port()) for port in row.ports} | row.metadata | metadata
    return Instance(row, served / row.name / row.version, folder, user, known)


@pytest.fixture(params=SOFTWARE, ids=str)
def row(request: pytest.FixtureRequest) -> Row:
    found: Row = request.param
    return found


@pytest.fixture(params=USERS, ids=lambda user: f"as {user or 'oneself'}")
def make(
    request: pytest.FixtureRequest,
    row: Row,
    served: Path,
    open_folder: Path,
    installed: Callable[[Row, str | None], Path],
) -> Iterator[Callable[..., Instance]]:
    """Makes instances of the row's software, and takes away what they leave. Slow software is installed already."""
    made: list[Instance] = []

    def one(**metadata: str) -> Instance:
        instance = new_instance(row, served, open_folder, request.param, **metadata)
        made.append(instance)
        if row.slow:
            done = installed(row, request.param)
            subprocess.run(["cp", "-a", "--sparse=always", done / "data", done / "log", instance.folder], check=True)
            subprocess.run(["cp", "-al", done / "software", instance.folder], check=True)
        return instance

    yield one
    for instance in made:
        end(instance)
        shutil.rmtree(instance.folder)


def end(instance: Instance) -> None:
    for process in instance.processes():
        with suppress(psutil.NoSuchProcess):
            process.kill()
    wait_for(lambda: not instance.processes())


@pytest.fixture
def instance(make: Callable[..., Instance]) -> Instance:
    return make()
