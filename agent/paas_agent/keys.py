"""A new key for this host, and the request for its certificate. The key never leaves the host.

What it takes is large and seldom needed: a running agent has it done by a process of its own.
"""

import asyncio
import os
import sys
from typing import NamedTuple

COMMAND = "new-key"
_BOUNDARY = "-----BEGIN CERTIFICATE REQUEST-----"


class KeyAndRequest(NamedTuple):
    """Both in PEM."""

    key: str
    request: str


class NoKey(Exception):
    """No key could be made; a sentence for people."""


def new_key() -> KeyAndRequest:
    """An elliptic key, and a request signed by it. Who it is for says the controller."""
    from cryptography import x509  # noqa: PLC0415 - 10 MB that a running agent does without
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder(x509.Name([])).sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    plain = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return KeyAndRequest(plain.decode(), request.public_bytes(pem).decode())


def print_new() -> None:
    """`new_key`, for whoever started this process; nothing where they are gone meanwhile."""
    try:
        print(*new_key(), sep="", end="", flush=True)
    except BrokenPipeError:
        os._exit(1)  # an ordinary end would flush again, and say so


async def key_of_a_child() -> KeyAndRequest:
    """`new_key` in a process of its own, by a pipe. Raises NoKey."""
    program = [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "paas_agent"]
    child = await asyncio.create_subprocess_exec(
        *program, COMMAND, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await child.communicate()
    key, boundary, request = printed.decode().partition(_BOUNDARY)
    if child.returncode or not boundary:
        raise NoKey(f"no new key could be made: {' '.join(program)} {COMMAND} ended with {child.returncode}")
    return KeyAndRequest(key, boundary + request)
