"""Secrets are shown to nobody: what is masked, and how it is told from a real value when it comes back."""

from collections.abc import Iterable, Mapping
from typing import Any

from paas_agent.contract import is_secret, secrets_of

MASK = "******"
_SECRET_FIELDS = frozenset({"password", "private_key"})


def masked_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    return {key: MASK if is_secret(key) and value else value for key, value in metadata.items()}


def hidden(text: str, metadata: Mapping[str, str]) -> str:
    """The text with every secret of this metadata masked, as far as masking it would not only garble the text."""
    for secret in secrets_of(metadata):
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
