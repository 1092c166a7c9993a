import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.scripts_repo.databases import HARD_PASSWORD, account, addresses, own_address, unprivileged
from tests.scripts_repo.instances import SOFTWARE, Instance, Row

MYSQLS = [row for row in SOFTWARE if row.name == "mysql"]

both = pytest.mark.parametrize("row", MYSQLS, indirect=True, ids=str)


@pytest.fixture
def row(request: pytest.FixtureRequest) -> Row:
    found: Row = getattr(request, "param", MYSQLS[-1])
    return found


def client(instance: Instance, sql: str, password: str = "", user: str = "mysql") -> subprocess.CompletedProcess[str]:
    """The client program as somebody on the network would call it."""
    software: Path = instance.folder / "software"
    environment = {"LD_LIBRARY_PATH": str(software / "lib"), "HOME": str(instance.folder)}
    environment |= {"MYSQL_PWD": password} if password else {}
    command = [software / "bin/mysql", "--no-defaults", "-h", "127.0.0.1", "-P", str(instance.port), f"--user={user}"]
    return subprocess.run([*command, "-NBe", sql], env=environment, capture_output=True, text=True, check=False)


def ask(instance: Instance, sql: str) -> str:
    done = client(instance, sql, instance.metadata["APP_PASSWD"], instance.metadata.get("APP_USER", "root"))
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@both
def test_the_user_and_password_of_the_metadata_administer_it_and_the_data_survives(
    make: Callable[..., Instance],
) -> None:
    instance = make(APP_USER="mysql", APP_PASSWD="MYSQL123")
    instance.do("start")
    assert {process.username() for process in instance.processes()} == {account(instance)}
    ask(
        instance,
        "CREATE DATABASE shop; CREATE TABLE shop.colours (name TEXT); INSERT INTO shop.colours VALUES ('grün')",
    )
    ask(instance, "CREATE USER app@'%' IDENTIFIED BY 'app'; GRANT SELECT ON shop.* TO app@'%'")
    instance.kill()
    instance.do("start", "uninstall", "install", "start")
    assert ask(instance, "SELECT name, CURRENT_USER() FROM shop.colours") == "grün\tmysql@%"
    assert client(instance, "SELECT name FROM shop.colours", "app", "app").stdout == "grün\n"


@unprivileged
def test_nobody_comes_in_without_the_password(make: Callable[..., Instance]) -> None:
    instance = make(APP_PASSWD=HARD_PASSWORD)
    instance.do("start")
    assert ask(instance, "SELECT 1") == "1"
    for user in ("root", "mysql", "", account(instance)):
        assert "Access denied" in client(instance, "SELECT 1", "", user).stderr
        assert "Access denied" in client(instance, "SELECT 1", "guessed", user).stderr
    assert not list(instance.folder.rglob("owned"))


@unprivileged
def test_a_changed_password_counts_from_the_restart_on(make: Callable[..., Instance]) -> None:
    instance = make(APP_PASSWD="first")
    instance.do("start")
    instance.metadata["APP_PASSWD"] = "second"
    assert instance.check()["code"] == "0"
    instance.do("restart")
    assert ask(instance, "SELECT 1") == "1"
    assert "Access denied" in client(instance, "SELECT 1", "first", "root").stderr


@both
@unprivileged
def test_it_listens_beyond_loopback_with_a_password(make: Callable[..., Instance]) -> None:
    instance = make(APP_PASSWD="secret")
    instance.do("start", HOST_IP=own_address())
    both = {"127.0.0.1", own_address()}
    assert addresses(instance) == ({"0.0.0.0"} if instance.row.version == "5.7" else both)


@unprivileged
def test_an_archive_whose_client_misses_a_library_says_which(instance: Instance) -> None:
    top = instance.folder / "top"
    top.mkdir()
    package = instance.scripts / f"{instance.row}.tar.gz"
    subprocess.run(["tar", "-xf", package, "-C", top, "--strip-components=1"], check=True)
    program = (top / "bin/mysql").read_bytes()
    (top / "bin/mysql").write_bytes(program.replace(b"\0libssl.so.3\0", b"\0libssl.so.9\0"))
    subprocess.run(["tar", "-cf", instance.folder / "brought.tar", "-C", instance.folder, "top"], check=True)
    (instance.folder / "brought.tar").chmod(0o644)
    (instance.folder / "data/db").rename(instance.folder / "data/away")
    done = instance.run("install", PACKAGE_FILE=str(instance.folder / "brought.tar"))
    assert done.returncode == 1
    assert "libssl.so.9: cannot open shared object file" in done.stderr
