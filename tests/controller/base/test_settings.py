from pathlib import Path

import pytest
from pydantic import ValidationError

from paas_controller.base.settings import Settings


def refused(**settings: object) -> str:
    """What is said of these settings."""
    with pytest.raises(ValidationError) as told:
        Settings.model_validate(settings)
    return str(told.value)


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


def test_a_key_without_a_certificate_is_refused_where_somebody_expects_encryption(tmp_path: Path) -> None:
    (tmp_path / "key.pem").touch()
    assert "--tls-key without --tls-certificate encrypts nothing" in refused(tls_key=tmp_path / "key.pem")


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


def test_the_agents_packages_are_in_the_folder_of_the_repository_or_beside_it(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    repo.mkdir()
    assert Settings().packages_dir is None
    assert Settings(repo_dir=repo).packages_dir == tmp_path / "paas-agent"
    (repo / "paas-agent").mkdir()
    assert Settings(repo_dir=repo).packages_dir == repo / "paas-agent"
    assert Settings(repo_dir=repo, agent_packages=tmp_path).packages_dir == tmp_path


def test_a_folder_of_packages_that_is_not_there_is_refused_with_how_to_make_it(tmp_path: Path) -> None:
    assert "make it with make package" in refused(agent_packages=tmp_path / "nowhere")
