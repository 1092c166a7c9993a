"""Secrets at rest are sealed with a key that lies beside the database, not in it."""

import hashlib
import os
import secrets
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from paas_controller.base.errors import PaasError


def new_token() -> str:
    """256 random bits, as text that fits a header, a file and a command line (it never begins with a dash)."""
    return secrets.token_hex(32)


def token_hash(token: str) -> str:
    """What is kept of a token. It has 256 random bits, so that a plain hash is enough and fast."""
    return hashlib.sha256(token.encode(errors="surrogateescape")).hexdigest()


def write_secret(path: Path, text: str) -> None:
    """Writes the text alone, readable by the owner alone, whole or not at all."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class Vault:
    """Seals and opens with the key in a file. Without the file the key is a new one, and `keep` writes it (0600).

    PaasError for a spoiled key, and where something was sealed with another one.
    """

    def __init__(self, key_file: Path) -> None:
        self._is_new = not key_file.exists()
        self._key = Fernet.generate_key().decode() if self._is_new else key_file.read_text().strip()
        try:
            self._fernet = Fernet(self._key)
        except ValueError:
            raise PaasError(f"{key_file} holds no key; put back the one this database was sealed with") from None
        self._key_file = key_file

    def keep(self) -> None:
        """Writes a new key down: after what had been sealed was opened, and before anything is sealed."""
        if self._is_new:
            write_secret(self._key_file, self._key)
            self._is_new = False

    def seal(self, text: str) -> str:
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            if self._is_new:
                raise PaasError(
                    f"there is no {self._key_file}; put back the one this database was sealed with"
                ) from None
            raise PaasError(f"the key in {self._key_file} is not the one this database was sealed with") from None
