"""Secrets are shown to nobody: what is masked, and how it is told from a real value when it comes back."""

import re
from collections.abc import Mapping

MASK = "******"
_SECRET_KEY = re.compile(r"PASS|PWD|SECRET|TOKEN|KEY", re.IGNORECASE)
_SECRET_FIELDS = frozenset({"password", "private_key"})


def is_secret(key: str) -> bool:
    """Whether the value under this metadata key is a secret by its name."""
    return bool(_SECRET_KEY.search(key))


def masked_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    return {key: MASK if is_secret(key) and value else value for key, value in metadata.items()}


def masked(value: object) -> object:
    """A JSON document with the passwords and private keys of `auth` entries and secret metadata masked."""
    if isinstance(value, Mapping):
        return {key: _masked_entry(key, child) for key, child in value.items()}
    if isinstance(value, list):
        return [masked(child) for child in value]
    return value


def _masked_entry(key: str, child: object) -> object:
    if key in _SECRET_FIELDS and child:
        return MASK
    if key == "metadata" and isinstance(child, Mapping):
        return masked_metadata(child)
    return masked(child)
