import subprocess
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.scripts_repo.instances import SOFTWARE, Instance, Row

HARD_PASSWORD = "$(touch owned) `touch owned` ${HOME} 'single' #;|& *"


@pytest.fixture
def row() -> Row:
    return next(row for row in SOFTWARE if row.name == "redis")


def ask(instance: Instance, *words: str, password: str = "") -> str:
    """What redis-cli says, asked from outside the scripts."""
    software: Path = instance.folder / "software"
    environment = {"LD_LIBRARY_PATH": str(software / "lib")} | ({"REDISCLI_AUTH": password} if password else {})
    command = [str(software / "bin" / "redis-cli"), "-p", str(instance.port), *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def test_what_was_written_survives_kill_uninstall_and_install(instance: Instance) -> None:
    instance.do("install", "start")
    assert ask(instance, "SET", "colour", "blue") == "OK"
    instance.kill()
    instance.do("restart", "uninstall", "install", "start")
    assert ask(instance, "GET", "colour") == "blue"


def test_a_password_of_any_characters_works_and_runs_nothing(make: Callable[..., Instance]) -> None:
    instance = make(PASSWORD=HARD_PASSWORD)
    instance.do("install", "start")
    assert instance.check()["code"] == "0"
    assert "NOAUTH" in ask(instance, "GET", "colour")
    assert ask(instance, "PING", password=HARD_PASSWORD) == "PONG"
    assert not list(instance.folder.rglob("owned"))


def test_the_password_is_in_no_argument_list_and_no_log(make: Callable[..., Instance]) -> None:
    instance = make(PASSWORD="never-shown")
    instance.do("install", "start")
    assert "never-shown" not in " ".join(psutil.Process(instance.pid()).cmdline())
    assert "never-shown" not in instance.do("check") + (instance.folder / "log" / "redis.log").read_text()


def test_a_changed_password_counts_from_the_restart_on(make: Callable[..., Instance]) -> None:
    instance = make(PASSWORD="first")
    instance.do("install", "start")
    instance.metadata["PASSWORD"] = "second"
    assert instance.check()["code"] == "0"
    instance.do("restart")
    assert instance.check()["code"] == "0"
    assert ask(instance, "PING", password="second") == "PONG"


def test_without_a_password_it_listens_on_loopback_only(instance: Instance) -> None:
    instance.do("install", "start", HOST_IP="192.0.2.1")
    assert addresses(instance) == {"127.0.0.1"}


def test_with_a_password_an_address_that_is_missing_does_no_harm(make: Callable[..., Instance]) -> None:
    instance = make(PASSWORD="secret")
    instance.do("install", "start", HOST_IP="192.0.2.1")
    assert addresses(instance) == {"127.0.0.1"}
    assert instance.check()["code"] == "0"


def test_a_broken_data_file_fails_the_start_with_the_last_words(instance: Instance) -> None:
    instance.do("install", "start")
    ask(instance, "SET", "colour", "blue")
    instance.do("stop")
    for part in (instance.folder / "data" / "appendonlydir").glob("*.aof"):
        part.write_text("this is no log of commands\n")
    done = instance.run("start")
    assert done.returncode == 1
    assert "Bad file format" in done.stderr


def addresses(instance: Instance) -> set[str]:
    connections = psutil.Process(instance.pid()).net_connections()
    return {connection.laddr.ip for connection in connections if connection.status == psutil.CONN_LISTEN}
