import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

from paas_controller.base.settings import Settings, load, split_address


def refused(**settings: object) -> str:
    """What is said of these settings."""
    with pytest.raises(ValidationError) as told:
        Settings.model_validate(settings)
    return str(told.value)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "controller.toml"
    file.write_text('listen = "127.0.0.1:1111"\ntime_zone = "Asia/Shanghai"\nreport_interval = 1\n')
    return file


# Where a setting comes from


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


def test_what_is_not_ours_in_the_environment_is_left_alone() -> None:
    assert load(None, {}, {"PAAS_CONTROLLER_COLOUR": "blue", "LISTEN": "0.0.0.0:1"}) == load(None, {}, {})


def test_an_unknown_setting_in_the_file_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("lisen = '127.0.0.1:1'\n")
    with pytest.raises(ValidationError, match="lisen"):
        load(tmp_path / "c.toml", {}, {})


def test_a_file_that_is_not_there_or_not_toml_is_an_error_and_not_the_defaults(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "missing.toml", {}, {})
    (tmp_path / "broken.toml").write_text("listen = \n")
    with pytest.raises(tomllib.TOMLDecodeError):
        load(tmp_path / "broken.toml", {}, {})


# What is refused


@pytest.mark.parametrize("listen", ["127.0.0.1:3334", "127.8.8.8:1", "localhost:3334", "[::1]:3334"])
def test_no_auth_is_taken_on_loopback(listen: str) -> None:
    assert Settings(listen=listen, no_auth=True).no_auth


@pytest.mark.parametrize("listen", ["192.168.19.13:3334", "0.0.0.0:3334", "[::]:3334", "controller.lan:3334"])
def test_no_auth_is_refused_anywhere_else(listen: str) -> None:
    told = refused(listen=listen, advertise="192.168.19.13:3334", no_auth=True)
    assert f"--no-auth is for loopback only, and {listen} is not" in told


@pytest.mark.parametrize("listen", ["0.0.0.0:3334", "[::]:3334"])
def test_listening_on_a_wildcard_needs_an_address_for_agents(listen: str) -> None:
    assert "agents need --advertise HOST:PORT" in refused(listen=listen)
    settings = Settings(listen=listen, advertise="192.168.19.13:3334")
    assert settings.operator_address == ("192.168.19.13", 3334)


def test_a_wildcard_cannot_be_advertised() -> None:
    assert "0.0.0.0:3334 is a wildcard" in refused(listen="0.0.0.0:3334", advertise="0.0.0.0:3334")


def test_agents_are_told_the_listen_address_where_nothing_is_advertised() -> None:
    assert Settings(listen="192.168.19.13:3334").operator_address == ("192.168.19.13", 3334)


@pytest.mark.parametrize("address", ["", "3334", ":3334", "host:", "host:http", "host:65536", "host:-1", "host:٣"])
def test_what_is_no_address_is_refused_with_an_example(address: str) -> None:
    with pytest.raises(ValueError, match="is not HOST:PORT, as in 192"):
        split_address(address)


@pytest.mark.parametrize(
    ("address", "parts"),
    [("h:0", ("h", 0)), ("10.0.0.1:65535", ("10.0.0.1", 65535)), ("[fe80::1]:80", ("fe80::1", 80))],
)
def test_an_address_is_a_host_and_a_port(address: str, parts: tuple[str, int]) -> None:
    assert split_address(address) == parts


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "Asia", "/etc/localtime"])
def test_a_time_zone_that_nobody_knows_is_refused(zone: str) -> None:
    assert "no time zone is called" in refused(time_zone=zone)


@pytest.mark.parametrize("interval", [0, -1, 301, "nan", "soon"])
def test_a_report_interval_has_its_limits(interval: object) -> None:
    assert "report_interval" in refused(report_interval=interval)


def test_an_unknown_database_is_refused_and_its_password_not_repeated() -> None:
    said = refused(database_url="mysql://paas:kept-secret@localhost/db")
    assert "give postgresql://USER@HOST/DATABASE or sqlite:///FILE" in said
    assert "kept-secret" not in said


@pytest.mark.parametrize("name", ["repo_dir", "tls_certificate", "tls_key", "ca_file"])
def test_an_empty_file_or_folder_is_none_and_not_the_working_folder(name: str) -> None:
    assert getattr(load(None, {name: ""}, {}), name) is None
    assert getattr(load(None, {}, {f"PAAS_CONTROLLER_{name.upper()}": ""}), name) is None


def test_an_empty_data_folder_is_refused() -> None:
    assert "name a folder; an empty one would be the working folder" in refused(data_dir="")


@pytest.mark.parametrize(("repo", "data"), [("all", "all"), ("all", "all/data"), ("all/repo", "all"), ("link", "all")])
def test_a_repository_that_would_serve_the_data_folder_or_lies_in_it_is_refused(
    tmp_path: Path, repo: str, data: str
) -> None:
    (tmp_path / "all" / "repo").mkdir(parents=True)
    (tmp_path / "link").symlink_to("all")
    told = refused(repo_dir=tmp_path / repo, data_dir=tmp_path / data)
    assert f"{tmp_path / repo} and the data folder {tmp_path / data} lie in one another" in told


@pytest.mark.parametrize("file", ["repo/controller.db", "repo/deeper/controller.db", "link/controller.db?timeout=5"])
def test_a_database_file_that_would_be_served_is_refused(tmp_path: Path, file: str) -> None:
    (tmp_path / "repo").mkdir()
    (tmp_path / "link").symlink_to("repo")
    told = refused(repo_dir=tmp_path / "repo", data_dir=tmp_path / "data", database_url=f"sqlite:///{tmp_path / file}")
    assert f"lies in --repo-dir {tmp_path / 'repo'}, and would be served with the scripts" in told


@pytest.mark.parametrize("place", ["data/own.db", "repository.db"])
def test_a_database_file_outside_of_the_repository_is_taken(tmp_path: Path, place: str) -> None:
    (tmp_path / "repo").mkdir()
    url = f"sqlite:///{tmp_path / place}"
    settings = Settings(repo_dir=tmp_path / "repo", data_dir=tmp_path / "data", database_url=url)
    assert settings.database_url == url


def test_a_repository_beside_the_data_folder_is_served(tmp_path: Path) -> None:
    (tmp_path / "data-repo").mkdir()
    assert Settings(repo_dir=tmp_path / "data-repo", data_dir=tmp_path / "data").repo_dir == tmp_path / "data-repo"


def test_settings_are_shown_without_the_database_url() -> None:
    assert "kept-secret" not in repr(Settings(database_url="postgresql://paas:kept-secret@localhost/db"))


# As a program


def test_wrong_settings_are_said_in_a_sentence_and_end_with_2() -> None:
    program = [sys.executable, "-m", "paas_controller", "--listen", "0.0.0.0:3334", "--no-auth"]
    ended = subprocess.run(program, capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"]})
    assert ended.returncode == 2
    assert "--no-auth is for loopback only" in ended.stderr
    assert "Traceback" not in ended.stderr
