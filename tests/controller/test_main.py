"""The program's own front: what it refuses, and how."""

import asyncio
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from unittest.mock import patch

import pytest

from paas_controller.__main__ import main, only_one
from paas_controller.app import tell
from paas_controller.base.errors import PaasError
from paas_controller.base.settings import Settings
from paas_controller.migrations.schema import bring_up_to_date, known
from paas_controller.store.engines import transaction
from tests.client.quickly import quickly
from tests.controller.agents import Agent
from tests.controller.shell import Shell
from tests.controller.store.rows import fill
from tests.testbeds.ports import free_port
from tests.testbeds.postgres import Server

Ended = Callable[..., "subprocess.CompletedProcess[str]"]
Told = Callable[..., str]


@pytest.fixture(scope="module")
def quick_controller() -> Iterator[tuple[str, ...]]:
    """What starts a controller at once."""
    with quickly("paas-controller", "paas_controller.__main__") as command:
        yield command


@pytest.fixture
def ended(quick_controller: tuple[str, ...]) -> Ended:
    """Runs it with these arguments to its end."""
    return lambda *arguments: subprocess.run(
        [*quick_controller, *arguments], check=False, capture_output=True, text=True, timeout=20
    )


@pytest.fixture
def refused(ended: Ended) -> Told:
    """What a start with these arguments says on standard error before it ends with 1."""

    def told(*arguments: str) -> str:
        ran = ended(*arguments)
        assert ran.returncode == 1, ran.stderr
        assert "Traceback" not in ran.stderr
        return ran.stderr

    return told


@pytest.fixture
def said(ended: Ended) -> Told:
    """What a command with these arguments prints before it ends well."""

    def told(*arguments: str) -> str:
        ran = ended(*arguments)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    return told


def misread(*arguments: str) -> str:
    """What settings that are wrong are told, before anything is begun."""
    with redirect_stderr(StringIO()) as told, patch.object(sys, "argv", ["paas-controller", *arguments]):
        assert main() == 2
    return told.getvalue()


def test_a_second_controller_in_one_folder_is_refused(tmp_path: Path) -> None:
    with only_one(tmp_path), pytest.raises(PaasError, match="another controller works in"), only_one(tmp_path):
        pass


def test_a_file_that_is_no_database_is_named(tmp_path: Path, refused: Told) -> None:
    (tmp_path / "controller.db").write_text("this is no database, and long enough to be looked at" * 20)
    assert "controller.db cannot be used" in refused(
        "--data-dir", str(tmp_path), "--listen", f"127.0.0.1:{free_port()}"
    )


def test_a_data_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for wrong in (file, file / "below"):
        told = misread("--data-dir", str(wrong), "--listen", f"127.0.0.1:{free_port()}")
        assert told.startswith(f"paas-controller: --data-dir: {file} is a file; name a folder")


@pytest.mark.parametrize("setting", ["--tls-certificate", "--tls-key", "--ca-file"])
def test_a_file_of_tls_that_is_not_there_is_named(tmp_path: Path, setting: str) -> None:
    told = misread("--data-dir", str(tmp_path), setting, "/nope.pem")
    assert told == f"paas-controller: {setting}: /nope.pem cannot be read: No such file or directory\n"


@pytest.mark.parametrize("setting", ["--tls-certificate", "--ca-file"])
def test_a_file_of_tls_that_holds_nothing_of_use_is_named(tmp_path: Path, setting: str) -> None:
    (tmp_path / "bad.pem").write_text("no certificate")
    told = misread("--data-dir", str(tmp_path), setting, str(tmp_path / "bad.pem"))
    assert f"{setting} {tmp_path / 'bad.pem'} cannot be used" in told
    assert "PEM" in told
    assert "None" not in told
    assert told.count("\n") == 1


@pytest.mark.parametrize("content", [b"listen = \n", b"\xff\xfe"])
def test_a_settings_file_that_is_not_toml_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "broken.toml").write_bytes(content)
    told = misread("--config", str(tmp_path / "broken.toml"))
    assert told.startswith(f"paas-controller: {tmp_path / 'broken.toml'} is not TOML: ")
    assert told.count("\n") == 1


def test_a_settings_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    told = misread("--config", str(tmp_path / "nope.toml"))
    assert told == f"paas-controller: {tmp_path / 'nope.toml'} cannot be read: No such file or directory\n"


def test_a_database_that_is_spoiled_in_the_middle_is_named_with_what_to_do(tmp_path: Path, refused: Told) -> None:
    file = tmp_path / "controller.db"
    with transaction(f"sqlite:///{file}") as connection:
        bring_up_to_date(connection)
        fill(connection)
    _spoil(file, "host")
    told = refused("--data-dir", str(tmp_path), "--listen", f"127.0.0.1:{free_port()}")
    assert f"{file} cannot be used: database disk image is malformed" in told
    assert "bring back a copy" in told


def _spoil(file: Path, table: str) -> None:
    """Overwrites the page on which a table begins."""
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", [table]).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    content = bytearray(file.read_bytes())
    content[(page - 1) * size : page * size] = b"\x99" * size
    file.write_bytes(content)


def test_a_spoiled_key_is_named(tmp_path: Path, refused: Told) -> None:
    (tmp_path / "secret.key").write_text("spoiled")
    assert "secret.key" in refused("--data-dir", str(tmp_path), "--listen", f"127.0.0.1:{free_port()}")


@pytest.mark.parametrize("sealed", ["/database/create", "/agents/join"])
async def test_a_database_without_its_key_is_refused_and_gets_no_other_one(
    tmp_path: Path, sealed: str, refused: Told
) -> None:
    shell = Shell(tmp_path / "data")
    await shell.start()
    if sealed == "/agents/join":
        agent = Agent(shell)
        await agent.start()
        await agent.join()
        await agent.stop()
    else:
        await shell.create()
    await shell.stop()
    for file in ("secret.key", "admin.token"):
        (tmp_path / "data" / file).unlink()
    told = await asyncio.to_thread(
        refused, "--data-dir", str(tmp_path / "data"), "--listen", f"127.0.0.1:{free_port()}"
    )
    assert f"there is no {tmp_path / 'data' / 'secret.key'}; put back the one this database was sealed with" in told
    assert not {"secret.key", "admin.token"} & {file.name for file in (tmp_path / "data").iterdir()}


def test_a_wildcard_without_an_address_for_agents_is_refused(tmp_path: Path) -> None:
    assert "--advertise" in misread("--data-dir", str(tmp_path), "--listen", "0.0.0.0:0")


def test_no_auth_is_for_loopback_only(tmp_path: Path) -> None:
    arguments = ("--data-dir", str(tmp_path), "--listen", "192.0.2.1:3334", "--no-auth")
    assert "--no-auth is for loopback only" in misread(*arguments)


def test_a_loopback_socket_behind_an_address_for_agents_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    for listen in ("127.0.0.1:3334", "192.0.2.1:3334"):
        tell(Settings(listen=listen, advertise="192.0.2.1:3334"))
    [warned] = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert warned.startswith("agents are sent to 192.0.2.1:3334, but 127.0.0.1:3334 is for this machine alone")


def test_a_second_controller_beside_one_file_is_refused_wherever_its_data_folder_is(
    tmp_path: Path, refused: Told
) -> None:
    with only_one(tmp_path / "one"):
        told = refused("--data-dir", str(tmp_path / "two"), "--database-url", f"sqlite:///{tmp_path / 'one' / 'my.db'}")
    assert f"another controller works in {tmp_path / 'one'}" in told


def test_a_second_controller_on_one_database_is_refused_with_a_sentence(
    tmp_path: Path, postgres: Server, refused: Told
) -> None:
    with postgres.database() as url, transaction(url):
        said = refused("--data-dir", str(tmp_path), "--database-url", url)
    assert re.match(
        r"paas-controller: another controller \(on \S+, process \d+\) works in postgresql://paas@/test", said
    )


def test_a_server_that_is_not_there_is_named_and_its_password_is_nowhere(tmp_path: Path, refused: Told) -> None:
    url = f"postgresql://paas:kept-secret@127.0.0.1:{free_port()}/paas"
    told = refused("--data-dir", str(tmp_path), "--database-url", url, "--log-level", "debug")
    assert "postgresql://paas@127.0.0.1" in told
    assert "cannot be used: connection failed" in told
    assert "kept-secret" not in told


# Commands


def test_a_store_is_moved_with_its_progress_and_the_next_command(
    tmp_path: Path, postgres: Server, refused: Told, said: Told
) -> None:
    source = f"sqlite:///{tmp_path / 'controller.db'}"
    with transaction(source) as connection:
        bring_up_to_date(connection)
        fill(connection)
    with postgres.database() as target:
        moved = said("move-store", "--from", source, "--to", target)
        again = refused("move-store", "--from", source, "--to", target)
    assert "  instance                3 rows\n" in moved
    assert f" rows. {source} is as it was.\n" in moved
    assert f"  paas-controller --database-url '{target}'\n" in moved
    assert "holds 3 rows" in again


def test_a_password_is_left_out_of_the_next_command_and_its_place_said(
    tmp_path: Path, postgres: Server, said: Told
) -> None:
    source = f"sqlite:///{tmp_path / 'controller.db'}"
    with transaction(source) as connection:
        bring_up_to_date(connection)
    with postgres.database() as target:
        moved = said("move-store", "--from", source, "--to", target.replace("paas@", "paas:kept-secret@"))
    assert "kept-secret" not in moved
    assert "PAAS_CONTROLLER_DATABASE_URL" in moved


@pytest.mark.parametrize("kind", ["mysql", "postgresql+asyncpg", "postgres"])
def test_a_store_of_another_kind_is_refused_with_those_there_are(tmp_path: Path, kind: str, refused: Told) -> None:
    source = f"sqlite:///{tmp_path / 'controller.db'}"
    for urls in ((f"{kind}://paas:kept-secret@h/d", source), (source, f"{kind}://paas:kept-secret@h/d")):
        told = refused("move-store", "--from", urls[0], "--to", urls[1])
        assert f"a database of {kind}:// cannot be used; give postgresql://USER@HOST/DATABASE or sqlite" in told
        assert "kept-secret" not in told


def test_a_store_is_not_moved_while_a_controller_works_on_it(tmp_path: Path, refused: Told) -> None:
    source, target = (f"sqlite:///{tmp_path / name / 'controller.db'}" for name in ("one", "two"))
    with transaction(source) as connection:
        bring_up_to_date(connection)
    with only_one(tmp_path / "one"):
        assert "another controller works in" in refused("move-store", "--from", source, "--to", target)


def test_a_database_is_taken_to_a_revision(tmp_path: Path, refused: Told, said: Told) -> None:
    with transaction(f"sqlite:///{tmp_path / 'controller.db'}") as connection:
        bring_up_to_date(connection)
    head = known()[-1]
    assert said("--data-dir", str(tmp_path), "migrate", "--to", head).endswith(f"is at revision {head}\n")
    assert "there is no revision 9999" in refused("--data-dir", str(tmp_path), "migrate", "--to", "9999")
    assert "there is no file" in refused("--data-dir", str(tmp_path / "typo"), "migrate", "--to", head)


def test_help_names_every_setting() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "paas_controller", "--help"], check=False, capture_output=True, text=True
    ).stdout
    assert {"--config", "--listen", "--advertise", "--data-dir", "--database-url", "--no-auth"} <= set(told.split())
