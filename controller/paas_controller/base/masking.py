"""Secrets are shown to nobody: what is masked, and how it is told from a real value when it comes back."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

MASK = "******"
_SECRET_KEY = re.compile(r"PASS|PWD|SECRET|TOKEN|KEY", re.IGNORECASE)
_SHORTEST = 4
"""Characters of a secret that is masked within a text."""
_SECRET_FIELDS = frozenset({"password", "private_key"})


def is_secret(key: str) -> bool:
    """Whether the value under this metadata key is a secret by its name."""
    return bool(_SECRET_KEY.search(key))


def masked_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    return {key: MASK if is_secret(key) and value else value for key, value in metadata.items()}


def hidden(text: str, metadata: Mapping[str, str]) -> str:
    """The text with every secret of this metadata masked, as far as masking it would not only garble the text."""
    secrets = {value for key, value in metadata.items() if is_secret(key) and len(value) >= _SHORTEST}
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def masked_auth(entries: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The `auth` entries of a host with their passwords and private keys masked."""
    return [
        {key: MASK if key in _SECRET_FIELDS and value else value for key, value in entry.items()} for entry in entries
    ]


def masked(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record with its secrets masked: by their place, so that a label may have any name."""
    hosts = [host | {"auth": masked_auth(host["auth"])} if "auth" in host else host for host in record["host"]]
    return {**record, "host": hosts, "app": record["app"] | {"metadata": masked_metadata(record["app"]["metadata"])}}
