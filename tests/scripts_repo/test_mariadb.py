import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from tempfile import NamedTemporaryFile

import pytest

from tests.scripts_repo.databases import (
    HARD_PASSWORD,
    account,
    addresses,
    needed_privileges,
    own_address,
    own_settings,
    privileges,
    unprivileged,
)
from tests.scripts_repo.instances import SOFTWARE, Instance, Row


@pytest.fixture
def row() -> Row:
    return next(row for row in SOFTWARE if row.name == "mariadb")


def client(instance: Instance, sql: str, password: str = "", *words: str) -> subprocess.CompletedProcess[str]:
    """The client program as somebody on the network would call it."""
    software: Path = instance.folder / "software"
    environment = {"LD_LIBRARY_PATH": str(software / "lib"), "HOME": str(instance.folder)}
    environment |= {"MYSQL_PWD": password} if password else {}
    command = [software / "bin/mariadb", "--no-defaults", "-h", "127.0.0.1", "-P", str(instance.port), "-u", "root"]
    return subprocess.run([*command, "-NBe", sql, *words], env=environment, capture_output=True, text=True, check=False)


def refused(done: subprocess.CompletedProcess[str]) -> bool:
    return done.returncode != 0 and ("Access denied" in done.stderr or "is not allowed to connect" in done.stderr)


def ask(instance: Instance, sql: str) -> str:
    done = client(instance, sql, instance.metadata["PASSWORD"])
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@unprivileged
def test_what_was_written_survives_kill_uninstall_and_install(make: Callable[..., Instance]) -> None:
    instance = make(PASSWORD="secret")
    instance.do("start")
    ask(instance, "CREATE DATABASE shop; CREATE TABLE shop.colours AS SELECT 'grün' AS name")
    instance.kill()
    instance.do("start", "uninstall", "install", "start")
    assert ask(instance, "SELECT name FROM shop.colours") == "grün"


@unprivileged
def test_the_temporary_tables_of_other_servers_are_left_alone(make: Callable[..., Instance]) -> None:
    instance = make()
    with NamedTemporaryFile(dir="/tmp", prefix="#sql-temptable-", suffix=".MAI") as others:
        shutil.chown(others.name, account(instance))
        instance.do("uninstall", PURGE_DATA="true")
        instance.do("install", "start")
        assert Path(others.name).exists()


@unprivileged
def test_a_password_of_any_characters_works_and_runs_nothing(make: Callable[..., Instance]) -> None:
    instance = make(PASSWORD=HARD_PASSWORD)
    instance.do("start")
    assert ask(instance, "SELECT CURRENT_USER()") == "root@%"
    assert refused(client(instance, "SELECT 1", "guessed"))
    assert not list(instance.folder.rglob("owned"))


def test_the_password_stands_nowhere_but_hashed(make: Callable[..., Instance]) -> None:
    instance = make(PASSWORD="never-shown")
    logs = "general_log\ngeneral_log_file = general.log\nslow_query_log\nlong_query_time = 0\nlog_bin = changes\n"
    own_settings(instance, "own.cnf", f"[mysqld]\n{logs}")
    instance.do("start")
    assert instance.check()["code"] == "0"
    assert "SELECT CONCAT(@@datadir" in (instance.folder / "data/db/general.log").read_text()
    found = subprocess.run(
        ["grep", "-rla", "never-shown", instance.folder], capture_output=True, text=True, check=False
    )
    assert found.stdout == ""
    for process in instance.processes():
        assert "never-shown" not in " ".join([*process.cmdline(), *process.environ().values()])


@unprivileged
def test_a_changed_password_counts_from_the_restart_on_and_stays_when_none_is_given(
    make: Callable[..., Instance],
) -> None:
    instance = make(PASSWORD="first")
    instance.do("start")
    instance.metadata["PASSWORD"] = "second"
    assert instance.check()["code"] == "0"
    instance.do("restart")
    assert refused(client(instance, "SELECT 1", "first"))
    del instance.metadata["PASSWORD"]
    instance.do("restart")
    assert client(instance, "SELECT 1", "second").stdout == "1\n"


@unprivileged
def test_without_a_password_nobody_comes_in_over_the_network(instance: Instance) -> None:
    instance.do("start", HOST_IP=own_address())
    assert instance.check()["code"] == "0"
    assert addresses(instance) == {"127.0.0.1"}
    for user in ("root", "mariadb.sys", "", account(instance)):
        assert refused(client(instance, "SELECT 1", "", f"--user={user}"))


@unprivileged
def test_with_a_password_it_listens_where_the_host_is_known_if_that_is_its_own(make: Callable[..., Instance]) -> None:
    asked, elsewhere = make(PASSWORD="secret"), make(PASSWORD="secret")
    asked.do("start", HOST_IP=own_address())
    elsewhere.do("start", HOST_IP="192.0.2.200")
    assert addresses(asked) == {"127.0.0.1", own_address()}
    assert addresses(elsewhere) == {"127.0.0.1"}


def test_it_never_runs_as_root_and_needs_no_privilege_where_the_folder_is_open(make: Callable[..., Instance]) -> None:
    instance = make()
    instance.do("start")
    assert {process.username() for process in instance.processes()} == {account(instance)}
    assert privileges(instance.pid()) == needed_privileges(instance)
    instance.folder.chmod(0o755)
    instance.do("restart")
    assert instance.check()["code"] == "0"
    assert privileges(instance.pid()) == 0


@unprivileged
def test_own_settings_count_but_for_where_it_listens(make: Callable[..., Instance]) -> None:
    instance = make(PASSWORD="secret", MAX_CONNECTIONS="20")
    own_settings(instance, "own.cnf", "[mysqld]\nmax_connections = 30\nport = 1\nbind-address = 0.0.0.0\nread_only\n")
    instance.do("start")
    assert addresses(instance) == {"127.0.0.1"}
    assert instance.check()["code"] == "0"
    assert refused(client(instance, "SELECT 1", "secret")), "a server that is read-only was written"
    own_settings(instance, "own.cnf", "[mysqld]\nmax_connections = 30\n")
    instance.do("restart")
    assert ask(instance, "SELECT @@max_connections, @@character_set_server") == "30\tutf8mb4"


@unprivileged
def test_it_may_be_stopped_as_soon_as_it_is_started(instance: Instance) -> None:
    for _ in range(5):
        instance.do("start", "stop", STOP_TIMEOUT="10")


@unprivileged
def test_sql_reaches_only_the_files_of_its_own_folder(make: Callable[..., Instance]) -> None:
    instance = make(PASSWORD="secret")
    instance.do("start")
    assert ask(instance, "SELECT LOAD_FILE('/etc/passwd')") == "NULL"
    ask(instance, f"SELECT 'kept' INTO OUTFILE '{instance.folder}/data/files/one.txt'")
    assert (instance.folder / "data/files/one.txt").read_text() == "kept\n"


@unprivileged
def test_starting_never_makes_an_empty_database(instance: Instance) -> None:
    (instance.folder / "data/db").rename(instance.folder / "data/away")
    done = instance.run("start")
    assert (done.returncode, "there is no database in" in done.stderr) == (1, True)
    (instance.folder / "data/away").rename(instance.folder / "data/db")
    instance.do("start", "stop")
    (instance.folder / "data/db/mysql").rename(instance.folder / "data/db/no-tables")
    assert "holds files that are not mariadb's" in instance.run("install").stderr
