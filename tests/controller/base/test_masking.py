import copy
import json

import pytest

from paas_agent.contract import is_secret
from paas_controller.base.masking import MASK, masked, masked_auth, masked_metadata


@pytest.mark.parametrize(
    "key", ["APP_PASSWD", "PASSWORD", "db_pwd", "ClientSecret", "API_TOKEN", "SSH_KEY", "passphrase"]
)
def test_a_value_is_secret_by_the_name_of_its_key(key: str) -> None:
    assert is_secret(key)


@pytest.mark.parametrize("key", ["APP_USER", "PORT", "DATA_DIR", "CreateAt"])
def test_other_values_are_not(key: str) -> None:
    assert not is_secret(key)


def test_only_secret_metadata_is_masked_and_an_empty_one_shows_that_it_is_empty() -> None:
    shown = masked_metadata({"APP_USER": "mysql", "APP_PASSWD": "MYSQL123", "TOKEN": ""})
    assert shown == {"APP_USER": "mysql", "APP_PASSWD": MASK, "TOKEN": ""}


def test_no_secret_of_the_seeds_record_is_left_and_everything_else_is() -> None:
    auth = [{"username": "root", "password": "root123"}, {"username": "ssh", "private_key": "-----BEGIN KEY-----"}]
    record = {
        "name": "db",
        "host": [{"ip": "192.168.19.100", "auth": auth}],
        "app": {"install": "install.sh", "metadata": {"APP_USER": "mysql", "APP_PASSWD": "MYSQL123"}},
    }
    shown = json.dumps(masked(record))
    assert not any(secret in shown for secret in ("root123", "BEGIN KEY", "MYSQL123"))
    assert all(plain in shown for plain in ("root", "ssh", "192.168.19.100", "install.sh", "mysql"))


RECORD = {
    "host": [{"auth": [{"username": "root", "password": "root123"}]}, {"ip": "h2"}],
    "app": {"metadata": {}},
    "labels": {"password": "changes often", "private_key": "none", "token": "blue"},
}


def test_masking_leaves_the_document_as_it_was() -> None:
    before = copy.deepcopy(RECORD)
    assert masked(RECORD) != before
    assert before == RECORD


def test_a_label_is_no_secret_whatever_its_name() -> None:
    assert masked(RECORD)["labels"] == RECORD["labels"]


def test_the_length_of_a_secret_is_not_shown() -> None:
    assert masked_auth([{"password": "1"}]) == masked_auth([{"password": "a much longer one"}])
