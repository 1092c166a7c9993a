"""Instances for the tests: real scripts on real packages, run as the agent runs them."""

import json
import os
import pwd
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep

import psutil


@dataclass(frozen=True)
class Row:
    """What the tests have to know of a software. Another one is one more row."""

    name: str
    version: str
    config: str
    """The file from which the check reads where to ask. The tests put another instance's in its place, and the check
    has to notice: so what this instance is known by stands in another file."""
    refused: tuple[tuple[str, str], ...]
    """Metadata that must be refused: key and value."""
    metadata: dict[str, str] = field(default_factory=dict)
    """What an instance needs beside its ports."""
    ports: tuple[str, ...] = ("PORT",)
    """The metadata that is a port: one that follows from another may be taken while many tests run."""
    slow: bool = False
    """It takes seconds to start: `test_slow.py` tries the same in fewer starts than `test_scripts.py`."""

    def __str__(self) -> str:
        return f"{self.name}-{self.version}"


FOLLOWED = "the check did not ask where Row.config says by now: is that the file from which it reads where to ask?"

C_LIBRARY = ("ld-linux", "libc.", "libm.", "libdl.", "librt.", "libpthread.", "libresolv.", "libnss_")

INJECTIONS = ("80\nx y", "80; id", "$(touch owned)", "`touch owned`", 'a"b', "a'b c")

SQL_REFUSED = (
    *(("PORT", value) for value in ("0", "80\nx y", "$(touch owned)")),
    *(("BIND", value) for value in ("10.0.0.1", "localhost", "127.0.0.1'", "127.0.0.1,::1", "127.0.0.1\nport = 1")),
    *(("MAX_CONNECTIONS", value) for value in ("9", "10\nport = 1")),
    *(("RUN_AS", value) for value in ("root", "nobody-of-that-name", "-u")),
)
NGINX_REFUSED = (
    *(("PORT", value) for value in ("0", "65536", "port", *INJECTIONS)),
    *(("BIND", value) for value in ("localhost", "127.0.0.1;", "127.0.0.1 default_server")),
    *(("ROOT", value) for value in ("tmp", "/tmp; autoindex on", "/$uri", "/a b", "/tmp\n", "/no/such/folder")),
    *(("WORKERS", value) for value in ("0", "257", "auto;")),
    ("ACCESS_LOG", "log/a"),
)
MYSQL_REFUSED = (
    *(("APP_PASSWD", value) for value in ("a\nb", "pässword")),
    *(("APP_USER", value) for value in ("a'b", "a b", "mysql.sys", "a" * 33, "needs-a-password")),
)

SOFTWARE = (
    Row("redis", "7.0", "redis.conf", (
        *(("PORT", value) for value in ("0", "65536", "port", *INJECTIONS)),
        *(("BIND", value) for value in ("10.0.0.1", "0.0.0.0", "localhost", "127.0.0.1\nport 1")),
        *(("PASSWORD", value) for value in ('a"b', "a\\b", "a\nrequirepass b", "pässword")),
        *(("MAXMEMORY", value) for value in ("1tb", "kb", "1 gb", "1\nport 1")),
        ("MAXMEMORY_POLICY", "all"), ("APPENDONLY", "maybe"),
    )),
    Row("nginx", "1.22", "nginx.conf", NGINX_REFUSED),
    Row("nginx", "1.16", "nginx.conf", (
        *NGINX_REFUSED,
        *(("BUILD_OPTIONS", value) for value in ("with-pcre", "-O2", "--a;id", "$(id)", "--a x", "--a\n--b", "-")),
    ), slow=True),
    Row("postgresql", "15", "postgresql.conf", (
        *SQL_REFUSED, ("PASSWORD", "a\n\\! touch owned"), ("PASSWORD", "pässword"),
        *(("SHARED_BUFFERS", value) for value in ("1", "128mb", "MB", "1 GB", "1'GB")),
    ), slow=True),
    Row("mariadb", "10.11", "my.cnf", (
        *SQL_REFUSED, ("PASSWORD", "a\nb"), ("PASSWORD", "pässword"),
        *(("INNODB_BUFFER_POOL_SIZE", value) for value in ("1", "128m", "M", "1 G", "1\nG")),
    ), slow=True),
    Row("mysql", "5.7", "my.cnf", (*MYSQL_REFUSED, ("BIND", "127.0.0.1 ::1")), slow=True),
    Row("mysql", "8.0", "my.cnf", MYSQL_REFUSED, slow=True),
    Row("rabbitmq", "3.10", "rabbitmq.config", (
        *((key, value) for key in ("PORT", "CONTROL_PORT", "MANAGEMENT_PORT") for value in ("0", "65536", *INJECTIONS)),
        *(("BIND", value) for value in ("localhost", '127.0.0.1"', "127.0.0.1 ::1")),
        *(("USERNAME", value) for value in ("a b", 'a"', "a\\", "ä")),
        *(("PASSWORD", value) for value in ("", 'a"b', "a\\b", "a\nb", "pässword")),
        *(("MEMORY_LIMIT", value) for value in ("40%", "1GB", "-1")),
    ), {"PASSWORD": "secret"}, ("PORT", "CONTROL_PORT"), slow=True),
    Row("tomcat", "10", "server.xml", (
        *(("PORT", value) for value in ("0", "65536", "port", *INJECTIONS)),
        *(("BIND", value) for value in ("localhost", '127.0.0.1"', "127.0.0.1 ::1")),
        *(("HEAP_LIMIT", value) for value in ("1g", "-1", "50%")),
        *(("MAX_THREADS", value) for value in ("0", "10001", '5"')),
        ("ACCESS_LOG", "log/a"),
    ), slow=True),
)  # fmt: skip


def wait_for(condition: Callable[[], object], seconds: float = 10) -> None:
    deadline = monotonic() + seconds
    while not condition():
        assert monotonic() < deadline, "what was waited for did not come"
        sleep(0.01)


@dataclass
class Instance:
    """One instance of a software in a folder of its own; `user` None means as oneself."""

    row: Row
    scripts: Path
    folder: Path
    user: str | None
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def port(self) -> int:
        return int(self.metadata["PORT"])

    def run(self, action: str, **metadata: str) -> subprocess.CompletedProcess[str]:
        """Runs a script with the environment that docs/scripts.md lists, and nothing else."""
        environment = {
            "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(self.folder), "INSTANCE_DIR": str(self.folder),
            "INSTANCE_NAME": self.folder.name, "INSTANCE_KIND": "database", "ACTION": action, "REPO_URL": "",
            "PACKAGE": f"{self.row}.tar.gz", "PACKAGE_FILE": str(self.scripts / f"{self.row}.tar.gz"),
            "HOST_IP": "127.0.0.1", "HOSTS": "127.0.0.1", "HOST_INDEX": "0",
        }  # fmt: skip
        return subprocess.run(
            ["/bin/sh", self.scripts / f"{action}.sh"], cwd=self.folder, env=environment | self.metadata | metadata,
            user=self.user, group=None if self.user is None else pwd.getpwnam(self.user).pw_gid,
            extra_groups=None if self.user is None else [], stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=120, check=False,
        )  # fmt: skip

    def do(self, *actions: str, **metadata: str) -> str:
        """Runs scripts that must succeed; the last one's output."""
        output = ""
        for action in actions:
            done = self.run(action, **metadata)
            assert done.returncode == 0, f"{action}: {done.stdout}{done.stderr}"
            output = done.stdout
        return output

    def check(self) -> dict[str, str]:
        answer: dict[str, str] = json.loads(self.do("check"))
        assert set(answer) == {"code", "msg"}
        return answer

    def pid(self) -> int:
        return int((self.folder / "pid").read_text())

    def processes(self) -> list[psutil.Process]:
        """All that runs a binary of this instance; one that has ended and is not yet reaped runs none."""
        found = []
        for process in psutil.process_iter(["exe", "status"]):
            dead = process.info["status"] == psutil.STATUS_ZOMBIE
            if not dead and (process.info["exe"] or "").startswith(f"{self.folder}/"):
                found.append(process)
        return found

    def listeners(self) -> set[tuple[str, int]]:
        """Addresses and ports that the server itself listens on."""
        found = [one for one in psutil.Process(self.pid()).net_connections() if one.status == psutil.CONN_LISTEN]
        return {(one.laddr.ip.removeprefix("::ffff:"), one.laddr.port) for one in found}

    def libraries_of_the_host(self) -> set[str]:
        """What the server has loaded that came neither with its package nor with the C library."""
        maps = (Path("/proc") / str(self.pid()) / "maps").read_text()
        loaded = {Path(line.split(maxsplit=5)[5]) for line in maps.splitlines() if ".so" in line}
        foreign = {path for path in loaded if self.folder.resolve() not in path.parents}
        return {path.name for path in foreign if not path.name.startswith(C_LIBRARY)}

    def kill(self) -> None:
        """The server dies as in an accident."""
        server = psutil.Process(self.pid())
        server.send_signal(signal.SIGKILL)
        wait_for(lambda: not server.is_running() or server.status() == psutil.STATUS_ZOMBIE)
