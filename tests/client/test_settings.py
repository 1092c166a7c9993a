"""Settings of paasctl: which source counts, and what is refused."""

from pathlib import Path

import pytest

from paas_client.settings import BadSetting, Settings, load


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "paasctl.toml"
    file.write_text('url = "https://paas.example:443/"\ntoken = "from-file"\n')
    file.chmod(0o600)
    return file


def test_the_environment_comes_before_the_file(file: Path) -> None:
    assert load(file, {}) == Settings("https://paas.example:443/", "from-file")
    environment = {"PAAS_TOKEN": " from-environment\n", "PAAS_URL": ""}
    assert load(file, environment) == Settings("https://paas.example:443/", "from-environment")


def test_without_a_file_the_url_is_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load(None, {}) == Settings("http://127.0.0.1:3334", "")


def test_a_token_that_others_can_read_is_warned_of(file: Path) -> None:
    file.chmod(0o644)
    assert f"chmod 600 {file}" in load(file, {}).warning


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("url = ", "is not TOML"),
        ('tokn = "x"', "tokn is no setting; url, token and ca_file are"),
        ("token = 7", "token is a text in quotes"),
        (
            'ca_file = "/nowhere.pem"',
            "ca_file /nowhere.pem cannot be used: No such file or directory; set PAAS_CA_FILE",
        ),
        ('ca_file = "/etc/passwd"', "ca_file /etc/passwd cannot be used: it holds no certificate in PEM"),
        ('url = "paas.example"', "the url is no http://HOST:PORT"),
        ('url = "http://u:secret@paas.example"', "the url is no http://HOST:PORT"),
        ('url = "http://paas.example:port"', "the url is no http://HOST:PORT"),
        ('token = "two secret\\nlines"', "the token holds characters that no token has"),
    ],
)
def test_a_wrong_setting_is_named_without_its_secret(file: Path, text: str, told: str) -> None:
    file.write_text(text)
    with pytest.raises(BadSetting) as caught:
        load(file, {})
    assert told in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match=r"none.toml cannot be read: No such file"):
        load(tmp_path / "none.toml", {})
