"""`paasctl software new` makes a folder that works, and can be made into something else."""

import ast
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from scripts_repo.build import SOURCE, build, cache_folder
from tests.client.conftest import Paasctl
from tests.scripts_repo.instances import Instance, Row
from tests.testbeds.ports import free_port
from tests.testbeds.stack import BIN


def empty_repository(folder: Path) -> Path:
    """A scripts repository without any software in it."""
    folder.mkdir()
    for shared in ("instance.sh", "debian.sh"):
        shutil.copy(SOURCE / shared, folder)
    return folder


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return empty_repository(tmp_path / "scripts_repo")


@pytest.fixture
def paasctl(quick: tuple[str, ...]) -> Paasctl:
    return Paasctl({"PATH": str(BIN), "LANG": "C.UTF-8"}, quick)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What is said of a new software."""
    repository = empty_repository(tmp_path_factory.mktemp("software") / "scripts_repo")
    command = [BIN / "paasctl", "software", "new", "shop-front", "--version", "2.1", "--folder", repository]
    answer: dict[str, Any] = json.loads(subprocess.check_output([*command, "-o", "json"]))
    return answer


@pytest.fixture(scope="module")
def served(told: dict[str, Any]) -> Path:
    """It, built as it is."""
    repository = Path(told["folder"]).parent.parent
    build(repository, repository.parent / "served", cache_folder())
    return repository.parent / "served" / "shop-front" / "2.1"


@pytest.fixture
def new_instance(told: dict[str, Any], served: Path, tmp_path: Path) -> Iterator[Callable[[str], Instance]]:
    made: list[Instance] = []
    given = next(step for step in told["next"] if "Row" in step)
    row = Row(*ast.literal_eval(given.split("Row")[1].rstrip(",")))

    def new(name: str) -> Instance:
        (tmp_path / name).mkdir()
        made.append(Instance(row, served, tmp_path / name, None, {"PORT": str(free_port())}))
        return made[-1]

    yield new
    for instance in made:
        for process in instance.processes():
            process.kill()


def test_a_new_software_has_a_whole_life_as_it_is(new_instance: Callable[[str], Instance]) -> None:
    one, other = new_instance("one"), new_instance("other")
    for instance in (one, other):
        instance.do("install", "start", "start")
        assert instance.check()["code"] == "0"
    with urlopen(f"http://127.0.0.1:{one.port}/", timeout=10) as answer:
        assert answer.read() == b"shop-front works.\n"
    one.kill()
    assert one.check() == {"code": "1", "msg": "shop-front does not run"}
    one.do("start", "restart")
    assert [one.check()["code"], other.check()["code"]] == ["0", "0"]
    config = one.row.config
    (one.folder / config).write_text((other.folder / config).read_text())
    assert "another shop-front than this instance's" in one.check()["msg"]
    other.do("stop", "stop", "uninstall")
    assert {path.name for path in other.folder.iterdir()} == {"data", "log"}
    other.do("install", "uninstall", PURGE_DATA="true")
    assert not list(other.folder.iterdir())


def test_its_metadata_is_looked_at_and_a_taken_port_is_named(new_instance: Callable[[str], Instance]) -> None:
    one, other = new_instance("one"), new_instance("other")
    assert len(one.row.refused) > 2
    for key, value in one.row.refused:
        assert one.run("install", **{key: value}).returncode == 2, (key, value)
    one.do("install", "start")
    other.do("install")
    assert f"port {one.port} is taken by another program" in other.run("start", PORT=str(one.port)).stderr


async def test_a_new_software_passes_shellcheck_and_names_what_it_is(paasctl: Paasctl, repository: Path) -> None:
    ended = await paasctl("software", "new", "shop", "--folder", str(repository), "-o", "json")
    folder = repository / "shop" / "1.0"
    assert "runs as it is" in (await paasctl("software", "new", "tea", "--folder", str(repository))).out
    assert (ended.document["folder"], set(ended.document["files"])) == (str(folder), {p.name for p in folder.iterdir()})
    scripts = [file for file in folder.iterdir() if file.name != "README.md"]
    shellcheck = [Path(sys.executable).parent / "shellcheck", "-x", "-P", "SCRIPTDIR", *scripts]
    done = subprocess.run(shellcheck, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    assert not [file for file in folder.iterdir() if "@" in file.read_text().replace('"$@"', "")]
    assert ended.document["next"][5].endswith("[shop 1.0](shop/1.0/README.md)")
    example = (folder / "README.md").read_text().split("```json")[1].split("```")[0]
    assert json.loads(example)["app"]["package"] == "shop-1.0.tar.gz"


async def test_what_is_there_is_left_as_it_is(paasctl: Paasctl, repository: Path) -> None:
    arguments = ("software", "new", "shop", "--folder", str(repository))
    await paasctl(*arguments)
    (repository / "shop/1.0/check.sh").write_text("mine")
    ended = await paasctl(*arguments)
    assert ended.code == 1
    assert f"{repository / 'shop/1.0'} is there already" in ended.err
    assert (repository / "shop/1.0/check.sh").read_text() == "mine"


@pytest.mark.parametrize("name", ["", "Shop", "../shop", "a/b", ".shop", "a b", "$(id)", "a" * 65])
async def test_a_bad_name_is_refused_with_a_sentence(paasctl: Paasctl, repository: Path, name: str) -> None:
    for arguments in ((name,), ("shop", "--version", name)):
        ended = await paasctl("software", "new", "--folder", str(repository), *arguments)
        assert ended.code == 2
        assert "has to be small letters, digits and . _ -" in ended.err
    assert {path.name for path in repository.iterdir()} == {"instance.sh", "debian.sh"}


async def test_a_folder_that_is_no_scripts_repository_is_named(paasctl: Paasctl, tmp_path: Path) -> None:
    ended = await paasctl("software", "new", "shop", "--folder", str(tmp_path))
    assert ended.code == 1
    assert f"{tmp_path} is no scripts repository" in ended.err
    assert "--folder" in ended.err
