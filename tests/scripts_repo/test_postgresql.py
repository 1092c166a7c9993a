import os
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.scripts_repo.databases import (
    HARD_PASSWORD,
    account,
    addresses,
    as_oneself,
    in_a_container,
    needed_privileges,
    own_address,
    own_settings,
    privileges,
    unprivileged,
)
from tests.scripts_repo.instances import SOFTWARE, Instance, Row, wait_for


@pytest.fixture
def row() -> Row:
    return next(row for row in SOFTWARE if row.name == "postgresql")


def psql(instance: Instance, *words: str, password: str = "") -> subprocess.CompletedProcess[str]:
    """psql as a client of the network would call it."""
    software: Path = instance.folder / "software"
    environment = {"LD_LIBRARY_PATH": str(software / "lib"), "PGPASSWORD": password, "HOME": str(instance.folder)}
    command = [str(software / "bin/psql"), "-XAt", "-h", "127.0.0.1", "-p", str(instance.port), "-U", "postgres"]
    return subprocess.run([*command, *words], env=environment, capture_output=True, text=True, check=False)


def ask(instance: Instance, sql: str) -> str:
    done = psql(instance, "-c", sql, password=instance.metadata["PASSWORD"])
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@unprivileged
def test_what_was_written_survives_kill_uninstall_and_install(make: Callable[..., Instance]) -> None:
    instance = make(PASSWORD="secret")
    instance.do("start")
    ask(instance, "CREATE TABLE colours AS SELECT 'blue' AS name")
    instance.kill()
    instance.do("start", "uninstall", "install", "start")
    assert ask(instance, "SELECT name FROM colours") == "blue"


@unprivileged
def test_a_password_of_any_characters_works_and_runs_nothing(make: Callable[..., Instance]) -> None:
    instance = make(PASSWORD=HARD_PASSWORD)
    instance.do("start")
    assert ask(instance, "SELECT 1") == "1"
    assert "password authentication failed" in psql(instance, "-c", "SELECT 1", password="guessed").stderr
    assert not list(instance.folder.rglob("owned"))


def test_the_password_stands_nowhere_but_hashed(make: Callable[..., Instance]) -> None:
    instance = make(PASSWORD="never-shown")
    own_settings(instance, "own.conf", "log_statement = all\nlog_min_duration_statement = 0\n")
    instance.do("start")
    assert instance.check()["code"] == "0"
    assert "statement: SHOW data_directory" in (instance.folder / "log/postgresql.log").read_text()
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
    assert "password authentication failed" in psql(instance, "-c", "SELECT 1", password="first").stderr
    del instance.metadata["PASSWORD"]
    instance.do("restart")
    assert psql(instance, "-c", "SELECT 1", password="second").stdout == "1\n"


@unprivileged
def test_it_listens_beyond_loopback_only_with_a_password(make: Callable[..., Instance]) -> None:
    alone, asked, elsewhere = make(), make(PASSWORD="secret"), make(PASSWORD="secret")
    own = own_address()
    for instance, host_ip in ((alone, own), (asked, own), (elsewhere, "192.0.2.200")):
        instance.do("start", HOST_IP=host_ip)
        assert instance.check()["code"] == "0"
    assert [addresses(alone), addresses(elsewhere)] == [{"127.0.0.1"}, {"127.0.0.1"}]
    assert addresses(asked) == {"127.0.0.1", own}


def test_it_never_runs_as_root_and_needs_no_privilege_where_the_folder_is_open(make: Callable[..., Instance]) -> None:
    instance = make()
    instance.do("start")
    assert {process.username() for process in instance.processes()} == {account(instance)}
    assert privileges(instance.pid()) == needed_privileges(instance)
    instance.folder.chmod(0o755)
    instance.do("restart")
    assert instance.check()["code"] == "0"
    assert privileges(instance.pid()) == 0


@as_oneself
def test_a_root_that_may_not_see_into_processes_knows_its_server_all_the_same(make: Callable[..., Instance]) -> None:
    instance = in_a_container(make())
    instance.do("start")
    pid = instance.pid()
    assert instance.check()["code"] == "0"
    (instance.folder / "pid").unlink()
    instance.do("start")
    assert instance.pid() == pid
    instance.kill()
    assert instance.check()["code"] == "1"
    instance.do("start", "restart", "uninstall")
    assert not instance.processes()


@unprivileged
def test_extensions_time_zones_and_own_settings_work(make: Callable[..., Instance]) -> None:
    instance = make(PASSWORD="secret", MAX_CONNECTIONS="20", SHARED_BUFFERS="16MB")
    instance.do("start")
    assert ask(instance, "SHOW shared_buffers") == "16MB"
    ask(instance, "CREATE EXTENSION pgcrypto; CREATE EXTENSION pg_trgm; CREATE EXTENSION tablefunc")
    assert ask(instance, "SELECT encode(digest('x', 'sha1'), 'hex')").startswith("11f6ad8ec52a")
    assert ask(instance, "SELECT upper('ä'), now() AT TIME ZONE 'Asia/Shanghai' IS NULL") == "Ä|f"
    own_settings(instance, "own.conf", "shared_buffers = 24MB\nport = 1\n")
    instance.do("restart", "uninstall", "install", "start")
    assert ask(instance, "SHOW shared_buffers") == "24MB"


@unprivileged
def test_it_does_not_go_without_an_address_that_another_program_has(make: Callable[..., Instance]) -> None:
    instance = make(PASSWORD="secret", BIND="127.0.0.1 127.0.0.2")
    with socket.socket() as taken:
        taken.bind(("127.0.0.2", instance.port))
        taken.listen()
        done = instance.run("start")
    assert (done.returncode, f"port {instance.port} is taken" in done.stderr) == (1, True)
    assert not instance.processes()
    instance.do("start")
    assert addresses(instance) == {"127.0.0.1", "127.0.0.2"}


@unprivileged
def test_a_client_that_stays_does_not_hold_up_a_stop(make: Callable[..., Instance]) -> None:
    instance = make(PASSWORD="secret")
    instance.do("start")
    software = instance.folder / "software"
    environment = {"LD_LIBRARY_PATH": str(software / "lib"), "PGPASSWORD": "secret"}
    command = [str(software / "bin/psql"), "-Xh", "127.0.0.1", "-p", str(instance.port), "-U", "postgres"]
    with subprocess.Popen([*command, "-c", "SELECT pg_sleep(600)"], env=environment, stderr=subprocess.PIPE) as client:
        wait_for(
            lambda: "pg_sleep" in ask(instance, "SELECT query FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
        )
        instance.do("stop", STOP_TIMEOUT="10")
        assert b"terminating connection" in client.communicate()[1]


@unprivileged
def test_its_many_processes_are_not_taken_for_the_server(instance: Instance) -> None:
    instance.do("start")
    pid = instance.pid()
    assert sum(os.getsid(process.pid) == process.pid for process in instance.processes()) > 1
    (instance.folder / "pid").write_text(f"{os.getpid()}\n")
    assert instance.check()["code"] == "0"
    instance.do("start")
    assert instance.pid() == pid
    instance.do("stop")
    assert not instance.processes()


@unprivileged
def test_stop_says_that_it_did_not_end_and_does_not_kill_it(instance: Instance) -> None:
    instance.do("start")
    os.kill(instance.pid(), signal.SIGSTOP)
    done = instance.run("stop", STOP_TIMEOUT="1")
    assert "did not end within 1 s" in done.stderr
    os.kill(instance.pid(), signal.SIGCONT)
    wait_for(lambda: not instance.processes())


@unprivileged
def test_starting_never_makes_an_empty_database(instance: Instance) -> None:
    (instance.folder / "data/db").rename(instance.folder / "data/away")
    done = instance.run("start")
    assert (done.returncode, "there is no database in" in done.stderr) == (1, True)
    (instance.folder / "data/away").rename(instance.folder / "data/db")
    instance.do("start")
    (instance.folder / "data/db/PG_VERSION").rename(instance.folder / "data/db/no-version")
    assert "holds files that are not PostgreSQL's" in instance.run("install").stderr
