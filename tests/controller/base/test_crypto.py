import threading
from pathlib import Path

import pytest

from paas_controller.base.crypto import Vault, new_token, token_hash, write_secret
from paas_controller.base.errors import PaasError


def mode(file: Path) -> int:
    return file.stat().st_mode & 0o777


def test_what_is_sealed_is_opened_again_also_after_a_restart(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "secret.key")
    vault.keep()
    sealed = vault.seal("MYSQL123 и 密码")
    assert Vault(tmp_path / "secret.key").open(sealed) == "MYSQL123 и 密码"


def test_what_is_sealed_does_not_show_what_it_holds_nor_that_it_is_the_same(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "secret.key")
    assert "MYSQL123" not in vault.seal("MYSQL123")
    assert vault.seal("MYSQL123") != vault.seal("MYSQL123")


def test_the_key_is_the_owners_alone(tmp_path: Path) -> None:
    Vault(tmp_path / "secret.key").keep()
    assert mode(tmp_path / "secret.key") == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["secret.key"]


def test_another_key_is_told_by_a_sentence_that_names_the_file(tmp_path: Path) -> None:
    sealed = Vault(tmp_path / "one.key").seal("x")
    Vault(tmp_path / "other.key").keep()
    with pytest.raises(PaasError, match=r"other\.key is not the one this database was sealed with"):
        Vault(tmp_path / "other.key").open(sealed)


def test_a_key_that_is_not_there_is_missed_and_no_other_one_put_in_its_place(tmp_path: Path) -> None:
    sealed = Vault(tmp_path / "gone.key").seal("x")
    with pytest.raises(PaasError, match=r"there is no \S+/gone\.key; put back the one"):
        Vault(tmp_path / "gone.key").open(sealed)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("spoil", [lambda text: text[:-8] + "AAAAAAA=", lambda text: text[:20], lambda text: ""])
def test_a_spoiled_seal_is_never_opened(tmp_path: Path, spoil: object) -> None:
    vault = Vault(tmp_path / "secret.key")
    with pytest.raises(PaasError):
        vault.open(spoil(vault.seal("x")))


@pytest.mark.parametrize("content", ["", "not a key", "密码"])
def test_a_spoiled_key_is_told_by_a_sentence_that_names_the_file(tmp_path: Path, content: str) -> None:
    (tmp_path / "secret.key").write_text(content)
    with pytest.raises(PaasError, match=r"secret\.key holds no key"):
        Vault(tmp_path / "secret.key")


def test_a_secret_file_is_the_owners_alone_from_its_first_moment(tmp_path: Path) -> None:
    write_secret(tmp_path / "admin.token", "first")
    write_secret(tmp_path / "admin.token", "second")
    assert mode(tmp_path / "admin.token") == 0o600
    assert (tmp_path / "admin.token").read_text() == "second"
    assert [file.name for file in tmp_path.iterdir()] == ["admin.token"]


def test_whoever_reads_a_secret_file_while_it_is_written_finds_it_whole(tmp_path: Path) -> None:
    texts, done, found = ["a" * 5000, "b" * 5000], threading.Event(), set()
    write_secret(tmp_path / "token", texts[0])

    def read() -> None:
        while not done.is_set():
            found.add((tmp_path / "token").read_text())

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(100):
        write_secret(tmp_path / "token", texts[number % 2])
    done.set()
    reader.join()
    assert found <= set(texts)


def test_tokens_are_long_and_never_the_same() -> None:
    tokens = {new_token() for _ in range(1000)}
    assert len(tokens) == 1000
    assert all(len(token) * 4 >= 256 for token in tokens)


def test_a_token_is_never_taken_for_an_option() -> None:
    assert all(new_token().isalnum() for _ in range(100))


def test_a_token_cannot_be_read_from_its_hash() -> None:
    token = new_token()
    assert token_hash(token) == token_hash(token) != token_hash(token + "x")
    assert token not in token_hash(token)
