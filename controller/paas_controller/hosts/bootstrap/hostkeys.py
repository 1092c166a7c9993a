"""SSH's keys of hosts: the first one is believed, another one later waits for a person's word. Pure.

A key is its type and its base64, as known_hosts writes it.
"""

import base64
import hashlib

from paas_controller.hosts.bootstrap.progress import Failure


def fingerprint(key: str) -> str:
    """As ssh-keygen -l shows it: SHA256:…; empty for an empty key."""
    try:
        blob = base64.b64decode(key.partition(" ")[2], validate=True)
    except ValueError:
        return ""
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode()
    return f"SHA256:{digest.rstrip('=')}" if blob else ""


def require_pinned(host: str, pinned: str, shown: str) -> None:
    """Failure where it is another one than what is pinned; what is shown first is what will be pinned."""
    if not pinned or shown == pinned:
        return
    other, known = fingerprint(shown), fingerprint(pinned)
    told = f"{host} shows {other}, and {known} is known of it: somebody else may be there, and nothing was told"
    accept = f"paasctl host bootstrap {host} --accept-host-key {other}"
    raise Failure(f"{told}; if it was installed anew, say: {accept}", lasting=True)
