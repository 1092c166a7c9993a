"""PostgreSQL, a server of the tests' own, from the package of the scripts repository.

It listens on a socket in a folder of its own, works without fsync, and is gone at the end. As root it runs as nobody,
because PostgreSQL refuses to be root.
"""

import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from scripts_repo.build import SOURCE, build, cache_folder
from tests.testbeds.memory import memory
from tests.testbeds.stack import REPO

_PACKAGE = REPO / "postgresql" / "15" / "postgresql-15.tar.gz"
_FAST = ("--fsync=off", "--full_page_writes=off", "--max_connections=50", "--shared_buffers=32MB")
_LEAVES_NOTHING = "--dynamic_shared_memory_type=mmap"
"""What a killed server has shared lies in its own folder."""
_NEW = ("--no-sync", "--auth=trust", "--username=paas", "--encoding=UTF8", "--locale=C.UTF-8")
_USER: dict[str, Any] = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}


class Server:
    """One server; its databases are made by `database` and go with its folder."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self.folder = folder
        self._programs = programs
        self._started: dict[str, Any] = {"cwd": folder, "env": {"LD_LIBRARY_PATH": str(programs / "lib")}} | _USER
        self._numbers = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None

    def make(self) -> None:
        command = [self._programs / "bin" / "initdb", "-D", "data", *_NEW]
        done = subprocess.run(command, capture_output=True, text=True, check=False, **self._started)
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        arguments = ["-D", "data", "--listen_addresses=", "-k", self.folder, *_FAST, _LEAVES_NOTHING]
        with (self.folder / "log").open("ab") as log:
            command = [self._programs / "bin" / "postgres", *arguments]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, **self._started)
        deadline = time.monotonic() + 30
        while not self._answers():
            assert self._process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline, f"waited in vain for PostgreSQL to answer; see {self.folder / 'log'}"
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

    @contextmanager
    def away(self, end: Callable[["Server"], None] = stop) -> Iterator[None]:
        """It is not there; afterwards it is there again, with all that was committed."""
        end(self)
        try:
            yield
        finally:
            self.start()

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://paas@/{database}?host={self.folder}"

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Runs a statement as the server's own administrator; its rows, if it has any."""
        with psycopg.connect(host=str(self.folder), user="paas", dbname=database, autocommit=True) as connection:
            cursor = connection.execute(sql.SQL(statement))  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def database(self, like: str = "template0") -> Iterator[str]:
        """The URL of a new database, empty or like another one; it is dropped at the end, whoever still uses it."""
        name = f"test{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {like} STRATEGY file_copy")
        yield self.url(name)
        self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def cut(self, url: str) -> None:
        """Ends all sessions of a database, as a network or an administrator may."""
        name = make_url(url).database
        self.execute(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'")

    def _answers(self) -> bool:
        try:
            self.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def programs() -> Iterator[Path]:
    """PostgreSQL's programs, where every user may run them."""
    if not _PACKAGE.exists():
        build(SOURCE, REPO, cache_folder(), only="postgresql/15")
    with _folder() as folder:
        subprocess.run(["tar", "-xzf", _PACKAGE, "-C", folder, "--strip-components=1"], check=True)
        yield folder


@contextmanager
def server(programs: Path) -> Iterator[Server]:
    """A new server that runs; nothing of it is left at the end."""
    with _folder(memory()) as folder:
        server = Server(programs, folder)
        server.make()
        server.start()
        try:
            yield server
        finally:
            server.kill()


@contextmanager
def _folder(below: Path | None = None) -> Iterator[Path]:
    """A folder for whoever the server runs as; its path is short, as a socket's has to be."""
    folder = Path(tempfile.mkdtemp(prefix="postgres-", dir=below))
    if _USER:
        shutil.chown(folder, _USER["user"], _USER["group"])
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
