import os
import subprocess
import sys
from pathlib import Path

import pytest

from paas_controller.base.errors import Invalid
from paas_controller.base.settings import Settings
from paas_controller.base.sources import load, strangers


def said(folder: Path, written: str) -> list[str]:
    """What is said of a file with this line."""
    (folder / "c.toml").write_text(written + "\n")
    with pytest.raises(Invalid) as told:
        load(folder / "c.toml", {}, {})
    return told.value.details


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "controller.toml"
    file.write_text('listen = "127.0.0.1:1111"\ntime_zone = "Asia/Shanghai"\nreport_interval = 1\n')
    return file


def test_without_any_source_the_defaults_hold() -> None:
    settings = load(None, {}, {})
    assert (settings.listen, settings.report_interval, settings.no_auth) == ("127.0.0.1:3334", 5.0, False)
    assert settings.database == "sqlite:////var/lib/paas-controller/controller.db"


def test_the_command_line_comes_before_the_environment_before_the_file(config: Path) -> None:
    environment = {"PAAS_CONTROLLER_LISTEN": "127.0.0.1:2222", "PAAS_CONTROLLER_TIME_ZONE": "Europe/Berlin"}
    settings = load(config, {"listen": "127.0.0.1:3333"}, environment)
    assert settings.listen == "127.0.0.1:3333"
    assert settings.time_zone == "Europe/Berlin"
    assert settings.report_interval == 1


def test_numbers_and_switches_are_read_from_the_environment_as_text() -> None:
    environment = {"PAAS_CONTROLLER_REPORT_INTERVAL": "2.5", "PAAS_CONTROLLER_NO_AUTH": "true"}
    settings = load(None, {}, environment)
    assert (settings.report_interval, settings.no_auth) == (2.5, True)


def test_a_file_that_is_not_there_or_not_toml_is_an_error_and_not_the_defaults(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"missing\.toml cannot be read: No such file"):
        load(tmp_path / "missing.toml", {}, {})
    (tmp_path / "broken.toml").write_text("listen = \n")
    with pytest.raises(Invalid, match=r"broken\.toml is not TOML"):
        load(tmp_path / "broken.toml", {}, {})


@pytest.mark.parametrize("name", ["repo_dir", "tls_certificate", "tls_key", "ca_file"])
def test_an_empty_file_or_folder_is_none_and_not_the_working_folder(name: str) -> None:
    assert getattr(load(None, {name: ""}, {}), name) is None
    assert getattr(load(None, {}, {f"PAAS_CONTROLLER_{name.upper()}": ""}), name) is None


def test_a_setting_that_there_is_not_is_refused_by_its_name_in_the_file_with_those_there_are(tmp_path: Path) -> None:
    assert said(tmp_path, "lisen = '127.0.0.1:1'") == [
        f"lisen in {tmp_path / 'c.toml'} is no setting; there are {', '.join(Settings.model_fields)}"
    ]


@pytest.mark.parametrize(("written", "sentence"), [
    ("report_interval = 0", "report_interval in {file} has to be more than 0"),
    ("report_interval = 301", "report_interval in {file} has to be 300 or less"),
    ("report_interval = 'soon'", "report_interval in {file} has to be a number"),
    ("report_interval = []", "report_interval in {file} has to be a number"),
    ("no_auth = 'maybe'", "no_auth in {file} has to be true or false"),
    ("no_auth = []", "no_auth in {file} has to be true or false"),
    ("log_level = 'loud'", "log_level in {file} has to be 'debug', 'info', 'warning' or 'error'"),
    ("listen = 3334", "listen in {file} has to be a text in quotes"),
    ("repo_dir = 1", "repo_dir in {file} has to be the path of a file or folder, in quotes"),
    ("listen = '3334'", "listen in {file}: '3334' is not HOST:PORT, as in 192.168.19.13:3334 or [2001:db8::1]:3334"),
])  # fmt: skip
def test_what_is_wrong_in_the_file_is_said_in_plain_words(tmp_path: Path, written: str, sentence: str) -> None:
    assert said(tmp_path, written) == [sentence.format(file=tmp_path / "c.toml")]


def test_each_wrong_setting_is_named_as_it_was_given(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("report_interval = 0\n")
    with pytest.raises(Invalid) as told:
        load(tmp_path / "c.toml", {"listen": "3334"}, {"PAAS_CONTROLLER_NO_AUTH": "maybe"})
    assert [sentence.partition(" ")[0] for sentence in told.value.details] == [
        "--listen:", "PAAS_CONTROLLER_NO_AUTH", "report_interval",
    ]  # fmt: skip


def test_a_variable_that_is_no_setting_is_told_with_those_there_are() -> None:
    (told,) = strangers({"PAAS_CONTROLLER_NOSUCH": "1", "PAAS_CONTROLLER_LISTEN": "127.0.0.1:1", "LISTEN": "x"})
    assert told.startswith(
        "PAAS_CONTROLLER_NOSUCH is no setting, and nothing was made of it; there are PAAS_CONTROLLER_L"
    )
    assert "PAAS_CONTROLLER_DATABASE_URL" in told


def test_what_kubernetes_says_of_a_service_of_that_name_is_passed_over() -> None:
    given = ("SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP", "PORT", "PORT_3334_TCP", "PORT_3334_TCP_ADDR")
    assert list(strangers({f"PAAS_CONTROLLER_{name}": "x" for name in given})) == []


def test_wrong_settings_are_said_in_a_sentence_and_end_with_2() -> None:
    program = [sys.executable, "-m", "paas_controller", "--listen", "0.0.0.0:3334", "--no-auth"]
    ended = subprocess.run(program, capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"]})
    assert ended.returncode == 2
    assert "--no-auth is for loopback only" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_variable_that_is_no_setting_is_in_the_log_at_the_start(tmp_path: Path) -> None:
    program = [sys.executable, "-m", "paas_controller", "--data-dir", str(tmp_path), "--listen", "192.0.2.1:1"]
    environment = {"PATH": os.environ["PATH"], "PAAS_CONTROLLER_NOSUCH": "1"}
    ended = subprocess.run(program, capture_output=True, text=True, check=False, env=environment)
    assert "PAAS_CONTROLLER_NOSUCH is no setting" in ended.stderr
