import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from scripts_repo.build import SOURCE, build, cache_folder
from tests.scripts_repo.instances import SOFTWARE, Instance, Row, free_port

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
    with tempfile.TemporaryDirectory(prefix="instances-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder).resolve()


@pytest.fixture(scope="session")
def served(repo: Path, open_folder: Path) -> Path:
    """The repository where every user can read it."""
    return Path(shutil.copytree(repo, open_folder / "repo"))


@pytest.fixture(params=SOFTWARE, ids=str)
def row(request: pytest.FixtureRequest) -> Row:
    found: Row = request.param
    return found


@pytest.fixture(params=USERS, ids=lambda user: f"as {user or 'oneself'}")
def make(
    request: pytest.FixtureRequest, row: Row, served: Path, open_folder: Path
) -> Iterator[Callable[..., Instance]]:
    """Makes instances of the row's software, and takes away what they leave."""
    made: list[Instance] = []

    def one(**metadata: str) -> Instance:
        folder = Path(tempfile.mkdtemp(prefix=f"{row.name}-", dir=open_folder))
        if request.param:
            shutil.chown(folder, request.param)
        scripts = served / row.name / row.version
        made.append(
            Instance(row, scripts, folder, request.param, {"PORT": str(free_port()), **row.metadata, **metadata})
        )
        return made[-1]

    yield one
    for instance in made:
        left = instance.processes()
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left, timeout=10)
        shutil.rmtree(instance.folder)


@pytest.fixture
def instance(make: Callable[..., Instance]) -> Instance:
    return make()
