"""The one place that knows paramiko: blocking, each step with a deadline; its errors become our sentences here."""

import errno
import io
import logging
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_ssh_private_key,
)

from paas_controller.hosts.bootstrap.progress import Failure
from paas_controller.hosts.schemas import Auth

logging.getLogger("paramiko").setLevel(logging.CRITICAL)  # it logs traces of what is told here in a sentence
CONNECT_SECONDS = 10.0
_MOST_OUTPUT = 1 << 16


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


class Session:
    """One connection. Every method may be called in a thread; `close` ends whatever another one waits for."""

    def __init__(self, address: str, port: int) -> None:
        self._address, self._port = address, port
        self._transport: paramiko.Transport | None = None
        self._closed = False

    def connect(self, pinned: str = "") -> str:
        """Connects and answers with the host's key; nobody has logged in yet. Of several keys it shows the kind that
        is pinned, if it has one. Failure.
        """
        with _sentences(f"{self._address} port {self._port}"):
            plug = socket.create_connection((self._address, self._port), timeout=CONNECT_SECONDS)
            self._transport = transport = paramiko.Transport(plug)
            transport.banner_timeout = transport.auth_timeout = CONNECT_SECONDS
            transport.set_keepalive(5)  # one that lost its power answers no more
            if self._closed:
                self.close()
            options, kind = transport.get_security_options(), pinned.partition(" ")[0].replace("ssh-rsa", "rsa-sha2")
            options.key_types = sorted(options.key_types, key=lambda name: not (kind and name.startswith(kind)))
            transport.start_client(timeout=CONNECT_SECONDS)
            key = transport.get_remote_server_key()
            return f"{key.get_name()} {key.get_base64()}"

    def log_in(self, auth: Auth) -> None:
        """By the private key where there is one, else by password. Failure."""
        assert self._transport
        who = f"{auth.username} at {self._address}"
        if not auth.private_key and not auth.password:
            told = f"neither a password nor a private key is known for {who}: give one with paasctl host edit"
            raise Failure(told, lasting=True)
        key = private_key(auth.private_key) if auth.private_key else None
        with _sentences(who):
            try:
                if key:
                    self._transport.auth_publickey(auth.username, key)
                else:
                    self._transport.auth_password(auth.username, auth.password)
            except paramiko.AuthenticationException:
                if not self._transport.is_active():
                    raise EOFError from None
                what = "private key" if auth.private_key else "password"
                told = f"{self._address} does not take this {what} of {auth.username}: see to it with paasctl host edit"
                raise Failure(told, lasting=True) from None
        if not self._transport.is_authenticated():
            told = f"{self._address} wants more of {auth.username} than this: allow a login by password or key alone"
            raise Failure(told, lasting=True)

    def run(self, command: str, told: bytes = b"", seconds: float = 30.0) -> Ran:
        """Runs a command, with this on its stdin. Failure where the connection breaks or it takes longer."""
        assert self._transport
        deadline = time.monotonic() + seconds
        with _sentences(self._address), self._transport.open_session(timeout=CONNECT_SECONDS) as channel:
            channel.settimeout(seconds)
            channel.exec_command(command)
            try:
                channel.sendall(told)
                channel.shutdown_write()
            except OSError:
                pass  # it ended without reading all of it; what it printed says why
            out, err = _read(channel.recv, channel, deadline), _read(channel.recv_stderr, channel, deadline)
            if not channel.status_event.wait(max(0.0, deadline - time.monotonic())):
                raise TimeoutError
            return Ran(channel.recv_exit_status(), out, err)

    def put(self, path: Path, to: str, seconds: float) -> None:
        """Sends a file by SFTP. Failure."""
        assert self._transport
        deadline = time.monotonic() + seconds

        def go_on(sent: int, size: int) -> None:
            if time.monotonic() > deadline:
                raise TimeoutError

        with _sentences(self._address, f"took no file at {to}: is its disk full, or SFTP switched off there"):
            sftp = paramiko.SFTPClient.from_transport(self._transport)
            assert sftp
            with sftp, path.open("rb") as file:
                channel = sftp.get_channel()
                assert channel
                channel.settimeout(CONNECT_SECONDS * 3)
                sftp.putfo(file, to, callback=go_on)

    def close(self) -> None:
        """Whoever waits for the host gets an error."""
        self._closed = True
        if self._transport:
            self._transport.close()


def _read(receive, channel: paramiko.Channel, deadline: float) -> str:  # type: ignore[no-untyped-def]
    """All that comes, up to a bound."""
    found = b""
    while len(found) < _MOST_OUTPUT:
        channel.settimeout(max(0.01, deadline - time.monotonic()))
        if not (piece := receive(4096)):
            break
        found += piece
    return found.decode(errors="replace")


@contextmanager
def _sentences(where: str, refused: str = "broke SSH off: see to sshd there") -> Iterator[None]:
    try:
        yield
    except TimeoutError:
        raise Failure(f"{where} did not answer in time: is it up, and does a firewall let SSH through?") from None
    except socket.gaierror:
        raise Failure(f"the name {where} is not known here: see to the address") from None
    except ConnectionRefusedError:
        raise Failure(f"{where} refuses connections: is sshd up there, and is this its port?") from None
    except (paramiko.SSHException, EOFError) as error:
        if "banner" in str(error):
            raise Failure(f"what answers at {where} does not speak SSH: is this the right port?") from None
        told = "did not answer in time" if "imeout" in str(error) else "broke SSH off"
        raise Failure(f"{where} {told} ({error or 'it hung up'}): see to sshd there") from None
    except OSError as error:
        said = error.strerror or error
        if error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
            raise Failure(f"{where} cannot be reached ({said}): is it up, and is the address right?") from None
        raise Failure(f"{where} {refused} ({said})") from None


def private_key(text: str) -> paramiko.PKey:
    """The key of this text, in PEM or OpenSSH's form. Failure where it cannot be used."""
    text = text.strip() + "\n"
    load = load_ssh_private_key if "OPENSSH PRIVATE KEY" in text else load_pem_private_key
    try:
        found = load(text.encode(errors="replace"), None)
    except TypeError:
        told = "the private key is encrypted, and nobody could type its passphrase: give one without"
        raise Failure(told, lasting=True) from None
    except (ValueError, UnsupportedAlgorithm):
        found = None
    if isinstance(found, RSAPrivateKey):
        return paramiko.RSAKey(key=found)
    if not isinstance(found, EllipticCurvePrivateKey | Ed25519PrivateKey):
        told = "the private key cannot be read: give an RSA, ECDSA or Ed25519 key, as ssh-keygen writes it"
        raise Failure(told, lasting=True)
    file = io.StringIO(found.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode())
    if isinstance(found, Ed25519PrivateKey):
        return paramiko.Ed25519Key.from_private_key(file)
    return paramiko.ECDSAKey.from_private_key(file)
