"""The program's own front: what it refuses, and how."""

import subprocess
import sys
from pathlib import Path

import pytest

from paas_controller.__main__ import only_one
from paas_controller.base.errors import PaasError
from tests.testbeds.stack import BIN, free_port


def refused(*arguments: str) -> str:
    """What a start with these arguments says on standard error before it ends."""
    ran = subprocess.run([BIN / "paas-controller", *arguments], check=False, capture_output=True, text=True, timeout=20)
    assert ran.returncode in (1, 2)
    assert "Traceback" not in ran.stderr
    return ran.stderr


def test_a_second_controller_in_one_folder_is_refused(tmp_path: Path) -> None:
    with only_one(tmp_path), pytest.raises(PaasError, match="another controller works in"), only_one(tmp_path):
        pass


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "controller.db").write_text("this is no database, and long enough to be looked at" * 20)
    assert "controller.db cannot be used" in refused(
        "--data-dir", str(tmp_path), "--listen", f"127.0.0.1:{free_port()}"
    )


def test_a_spoiled_key_is_named(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_text("spoiled")
    assert "secret.key" in refused("--data-dir", str(tmp_path), "--listen", f"127.0.0.1:{free_port()}")


def test_a_wildcard_without_an_address_for_agents_is_refused(tmp_path: Path) -> None:
    assert "--advertise" in refused("--data-dir", str(tmp_path), "--listen", "0.0.0.0:0")


def test_no_auth_is_for_loopback_only(tmp_path: Path) -> None:
    arguments = ("--data-dir", str(tmp_path), "--listen", "192.0.2.1:3334", "--no-auth")
    assert "--no-auth is for loopback only" in refused(*arguments)


def test_help_names_every_setting() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "paas_controller", "--help"], check=False, capture_output=True, text=True
    ).stdout
    assert {"--config", "--listen", "--advertise", "--data-dir", "--database-url", "--no-auth"} <= set(told.split())
