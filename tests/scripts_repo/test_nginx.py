from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest

from tests.scripts_repo.instances import SOFTWARE, Instance, Row, wait_for


@pytest.fixture
def row() -> Row:
    return next(row for row in SOFTWARE if str(row) == "nginx-1.22")


def page(instance: Instance, name: str = "") -> str:
    with urlopen(f"http://127.0.0.1:{instance.port}/{name}", timeout=10) as answer:
        return str(answer.read().decode())


def test_it_serves_pages_from_a_folder_that_others_may_not_enter(instance: Instance) -> None:
    instance.folder.chmod(0o700)
    instance.do("install", "start")
    assert "nginx works" in page(instance)


def test_it_serves_the_folder_that_root_names(make: Callable[..., Instance], open_folder: Path) -> None:
    pages = open_folder / "pages"
    pages.mkdir(exist_ok=True)
    pages.chmod(0o755)
    (pages / "hello.txt").write_text("hello")
    instance = make(ROOT=str(pages))
    instance.do("install", "start")
    assert page(instance, "hello.txt") == "hello"


def test_own_configuration_is_read_and_kept(make: Callable[..., Instance]) -> None:
    instance = make(WORKERS="1")
    own = instance.folder / "data" / "conf.d" / "own.conf"
    instance.do("install", "start")
    own.write_text("map $uri $own { default 1; }\n")
    instance.do("restart", "uninstall", "install", "start")
    assert own.exists()
    own.write_text("no such directive;\n")
    done = instance.run("restart")
    assert done.returncode == 1
    assert 'unknown directive "no"' in done.stderr


def test_workers_whose_master_was_killed_give_way_to_the_next_start(instance: Instance) -> None:
    instance.do("install", "start")
    workers = psutil.Process(instance.pid()).children()
    instance.kill()
    assert any(worker.is_running() for worker in workers)
    assert instance.check()["code"] == "1"
    instance.do("start")
    assert instance.check()["code"] == "0"
    wait_for(lambda: not any(worker.is_running() and worker.status() != "zombie" for worker in workers))


def test_requests_are_logged_when_wanted_but_never_the_checks(make: Callable[..., Instance]) -> None:
    instance = make(ACCESS_LOG="on")
    instance.do("install", "start")
    assert instance.check()["code"] == "0"
    page(instance, "?asked")
    log = instance.folder / "log" / "access.log"
    wait_for(lambda: "asked" in log.read_text())
    assert len(log.read_text().splitlines()) == 1
