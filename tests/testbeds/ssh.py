"""A light SSH server on loopback, paramiko's own: it runs commands in a shell here, and keeps who is logged in."""

import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import paramiko


class Door(paramiko.ServerInterface):
    """One connection: who may come in, and what is run."""

    def __init__(self, server: "SshServer") -> None:
        self._server = server

    def check_auth_password(self, username: str, password: str) -> int:
        with self._server.inside():
            self._server.open.wait(20)
        return paramiko.AUTH_SUCCESSFUL if self._server.accounts.get(username) == password else paramiko.AUTH_FAILED

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        known = f"{key.get_name()} {key.get_base64()}" in self._server.keys
        return paramiko.AUTH_SUCCESSFUL if known else paramiko.AUTH_FAILED

    def get_allowed_auths(self, username: str) -> str:
        return "password,publickey"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        threading.Thread(target=_run, args=(channel, command), daemon=True).start()
        return True


def _run(channel: paramiko.Channel, command: bytes) -> None:
    told = b""
    while piece := channel.recv(4096):
        told += piece
    done = subprocess.run(["sh", "-c", command], input=told, capture_output=True, check=False)
    with suppress(OSError):
        channel.sendall(done.stdout)
        channel.sendall_stderr(done.stderr)
        channel.send_exit_status(done.returncode)
        channel.close()


class _Files(paramiko.SFTPServerInterface):
    """Files here, written."""

    def open(self, path: str, flags: int, attr: paramiko.SFTPAttributes) -> Any:
        try:
            file = os.fdopen(os.open(path, flags, 0o600), "wb")
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)
        handle = paramiko.SFTPHandle(flags)
        handle.writefile = file  # type: ignore[attr-defined]
        return handle

    def stat(self, path: str) -> Any:
        return paramiko.SFTPAttributes.from_stat(os.stat(path))


class SshServer:
    """`accounts` are passwords by user, `keys` who else may come in. While `open` is cleared nobody gets in."""

    def __init__(self) -> None:
        self.accounts = {"ann": "Ann's pw"}
        self.keys: set[str] = set()
        self.host_key = paramiko.ECDSAKey.generate()
        self.open = threading.Event()
        self.open.set()
        self.now = self.most = self.all = 0
        """Who is at the door: now, at most at once, and all together."""
        self._lock = threading.Lock()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._transports: list[paramiko.Transport] = []
        threading.Thread(target=self._serve, daemon=True).start()

    @contextmanager
    def inside(self) -> Iterator[None]:
        with self._lock:
            self.now, self.all = self.now + 1, self.all + 1
            self.most = max(self.most, self.now)
        yield
        with self._lock:
            self.now -= 1

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                plug, _ = self._listening.accept()
                transport = paramiko.Transport(plug)
                transport.add_server_key(self.host_key)
                transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Files)
                self._transports.append(transport)
                transport.start_server(event=threading.Event(), server=Door(self))

    def close(self) -> None:
        self.open.set()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for transport in self._transports:
            transport.close()


@contextmanager
def ssh_server() -> Iterator[SshServer]:
    server = SshServer()
    try:
        yield server
    finally:
        server.close()


def key_pair(folder: Path, kind: str, *more: str) -> tuple[str, str]:
    """A private key and its public line."""
    folder.mkdir(exist_ok=True)
    file = folder / kind
    more += ("-b", "2048") if kind == "rsa" else ()
    phrase = () if "-N" in more else ("-N", "")
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-f", file, *more, *phrase], check=True)
    return file.read_text(), " ".join((folder / f"{kind}.pub").read_text().split()[:2])
