"""PostgreSQL, a server of the test's own: on a socket in a folder of its own, without fsync, ended at the end."""

import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

_FAST = ("-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=50", "-c", "shared_buffers=32MB")
_NEW = ("--no-sync", "--auth=trust", "--username=paas", "--encoding=UTF8", "--locale=C.UTF-8")


class Server:
    """One server; its databases are made by `database` and go with its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._numbers = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None

    def make(self) -> None:
        self._run(_bin("initdb"), "-D", "data", *_NEW)

    def start(self) -> None:
        arguments = [_bin("postgres"), "-D", "data", "-c", "listen_addresses=", "-k", str(self.folder), *_FAST]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(arguments, cwd=self.folder, stdout=log, stderr=log, **_USER)
        deadline = time.monotonic() + 20
        while not self._answers():
            assert self._process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline, "waited in vain for PostgreSQL to answer"
            time.sleep(0.02)

    def stop(self) -> None:
        """Ends it as an operator would: sessions are told to go, what was committed is kept."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        self._process.wait(20)

    def kill(self) -> None:
        """At once and without a word, as at a power loss; the next start recovers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(20)

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://paas@/{database}?host={self.folder}"

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Runs a statement as the server's own administrator; its rows, if it has any."""
        with psycopg.connect(host=str(self.folder), user="paas", dbname=database, autocommit=True) as connection:
            cursor = connection.execute(sql.SQL(statement))  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a new, empty database; it is dropped at the end, whoever still uses it."""
        name = f"test{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE template0 STRATEGY file_copy")
        yield self.url(name)
        self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _answers(self) -> bool:
        try:
            self.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _run(self, *command: str) -> None:
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False, **_USER)
        assert done.returncode == 0, done.stderr


@contextmanager
def server() -> Iterator[Server]:
    """A new server that runs; nothing of it is left at the end."""
    folder = Path(tempfile.mkdtemp(prefix="postgres-", dir="/dev/shm"))
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody", "nogroup")
    server = Server(folder)
    try:
        server.make()
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder)


# PostgreSQL refuses to run as root.
_USER: dict[str, Any] = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}


def _bin(program: str) -> str:
    return f"/usr/lib/postgresql/15/bin/{program}"
