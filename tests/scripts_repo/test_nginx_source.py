"""nginx 1.16 is built on the host, from the source that people bring."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.scripts_repo.instances import SOFTWARE, Instance, Row
from tests.scripts_repo.nginx_source import OPTIONS, vendors_source
from tests.scripts_repo.test_slow import unprivileged

pytestmark = unprivileged


@pytest.fixture
def row() -> Row:
    return next(row for row in SOFTWARE if str(row) == "nginx-1.16")


@pytest.fixture
def source(open_folder: Path) -> str:
    """The vendor's archive, where every user can read it."""
    archive = open_folder / "source.tar.gz"
    archive.write_bytes(vendors_source().read_bytes())
    archive.chmod(0o644)
    return str(archive)


def test_it_is_built_from_the_vendors_source_and_serves_pages(make: Callable[..., Instance], source: str) -> None:
    instance = make(BUILD_OPTIONS=f"{OPTIONS} --with-http_stub_status_module", BIND="127.0.0.1")
    instance.do("install", PACKAGE_FILE=source)
    assert not (instance.folder / "build").exists()
    own = instance.folder / "data/conf.d/own.conf"
    instance.do("start")
    own.write_text(f"server {{ listen 127.0.0.1:{instance.port}; server_name counted; stub_status; }}")
    own.chmod(0o644)
    instance.do("restart")
    with urlopen(f"http://127.0.0.1:{instance.port}/", timeout=10) as answer:
        assert answer.read().startswith(b"nginx works")
    asked = ["curl", "-s", "-H", "Host: counted", f"http://127.0.0.1:{instance.port}/"]
    assert "Active connections" in subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    assert instance.check()["code"] == "0"


def test_what_cannot_be_built_leaves_the_installed_nginx_as_it_was(instance: Instance, source: str) -> None:
    instance.do("install", "start")
    done = instance.run("install", PACKAGE_FILE=source, BUILD_OPTIONS="--with-no-such-thing")
    assert done.returncode == 1
    assert 'invalid option "--with-no-such-thing"' in done.stderr
    assert "nginx could not be built; why is said above" in done.stderr
    instance.do("restart")
    assert instance.check()["code"] == "0"


@pytest.mark.parametrize("missing", ["cc", "make", "curl or wget"])
def test_a_missing_tool_is_named(instance: Instance, source: str, open_folder: Path, missing: str) -> None:
    tools = open_folder / f"tools without {missing}"
    tools.mkdir(mode=0o755)
    for name in {"cc", "make", "curl", "readlink", "mkdir", "rm", "cat"} - {*missing.split(" or ")}:
        (tools / name).symlink_to(shutil.which(name) or name)
    done = instance.run("install", PACKAGE_FILE=source, PATH=str(tools))
    assert done.returncode == 1
    assert f"{missing} is missing" in done.stderr or f"needs {missing}" in done.stderr


def test_an_archive_that_is_no_source_is_named(instance: Instance, served: Path) -> None:
    done = instance.run("install", PACKAGE_FILE=str(served / "nginx/1.22/nginx-1.22.tar.gz"))
    assert done.returncode == 1
    assert "nginx-1.16.tar.gz is no source of nginx: there is no ./configure in it" in done.stderr
