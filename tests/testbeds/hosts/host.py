"""One host, in a test's words."""

import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from tests.testbeds.hosts import container, disk, machine
from tests.testbeds.hosts.network import Network

_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
}
_PIDS = 'group=$(systemctl show -P ControlGroup "$0"); [ -z "$group" ] || find "/sys/fs/cgroup$group"'


class Host:
    """A Debian with systemd and sshd, at an address of its own. All is done at once and has happened on return."""

    def __init__(self, network: Network, number: int, folder: Path) -> None:
        self.name, self.address = network.namespace(number), network.address(number)
        self._network, self._number, self._folder = network, number, folder

    @property
    def console(self) -> Path:
        """What the host printed while it booted."""
        return self._folder / "console"

    @property
    def running(self) -> bool:
        return bool(container.init(self.name))

    def install(self) -> None:
        """As new, with an empty disk, and booted."""
        self.erase()
        root = disk.make(self._folder, self._folder.parent / "tree")
        (root / "etc" / "hosts").write_text(f"127.0.0.1 localhost\n{self.address} {self.name}\n")
        # By itself systemd takes that of the virtual machine below, if there is one: the same for all hosts.
        (root / "etc" / "machine-id").write_text(f"{uuid4().hex}\n")
        self.allow_inbound()
        self.boot()

    def erase(self) -> None:
        """Switched off, and nothing of it is left."""
        self.power_off()
        disk.remove(self._folder)

    def boot(self) -> None:
        """Switched on, its cable in; returns when sshd answers."""
        self._network.plug(self._number)
        container.start(self.name, self._folder / "root", self.console)
        self._until(self._answers, "sshd to answer")

    def power_off(self) -> None:
        """No process says goodbye and no connection is closed; the disk is kept as it is."""
        self._network.unplug(self._number)
        container.end(self.name)

    def power_loss(self) -> None:
        """Off, and on again."""
        self.power_off()
        self.boot()

    def reboot(self) -> None:
        """In good order, by systemd; returns when sshd answers again."""
        before = container.init(self.name)
        self.run("systemctl reboot")
        self._until(lambda: container.init(self.name) not in (0, before), "it to reboot")
        self._until(self._answers, "sshd to answer")

    def cut(self) -> None:
        """The cable is broken: nothing arrives, nobody is told."""
        self._network.cut(self._number)

    def mend(self) -> None:
        self._network.mend(self._number)

    def drop_inbound(self) -> None:
        """It can call out, but nobody can connect to it, as behind a NAT; connections that are open stay."""
        self._network.quiet(self._number, on=True)

    def allow_inbound(self) -> None:
        self._network.quiet(self._number, on=False)

    def fill_disk(self, left: int = 0) -> None:
        """So many bytes stay free, until `free_disk`."""
        disk.shrink(self._folder, left)

    def free_disk(self) -> None:
        disk.widen(self._folder)

    def run(self, command: str, told: bytes = b"") -> str:
        """Runs a shell command as root on the host, network or not; its output. AssertionError where it fails."""
        done = self.tries(command, told)
        assert done.returncode == 0, f"{self.name}: {command}: {done.stderr.decode().strip() or done.returncode}"
        return done.stdout.decode()

    def tries(self, command: str, told: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """The same, whether it fails or not."""
        return self._inside(["bash", "-c", command], told)

    def shell(self) -> list[str]:
        """The command that enters the host as root: what follows it is run there."""
        pid = container.init(self.name)
        assert pid, f"{self.name} is switched off"
        return ["nsenter", f"--target={pid}", "--all", "--wdns=/"]

    def write(self, path: str, content: bytes, mode: int = 0o644) -> None:
        """A file on the host, root's own."""
        self._inside(["install", "-D", f"--mode={mode:o}", "/dev/stdin", path], content).check_returncode()

    def read(self, path: str) -> bytes:
        done = self._inside(["cat", path])
        assert done.returncode == 0, f"{self.name}: {done.stderr.decode().strip()}"
        return done.stdout

    def authorize(self, user: str, public_key: str) -> None:
        """The user may log in by that key: a line as in authorized_keys."""
        self.run(f"install -d -o {user} -m 0700 ~{user}/.ssh")
        self.run(f"cat >>~{user}/.ssh/authorized_keys; chown {user} ~{user}/.ssh/*", f"{public_key.strip()}\n".encode())

    def pids_of(self, unit: str) -> set[int]:
        """The unit's processes and those in cgroups below it, by the host's own pids."""
        found = self._inside(["bash", "-c", f"{_PIDS} -name cgroup.procs -exec cat {{}} +", unit])
        return {int(pid) for pid in found.stdout.split()}

    def journal(self, unit: str = "") -> str:
        """All that was logged, former boots included; of one unit, or of all."""
        return self.run(f"journalctl --no-pager --output=cat {f'--unit={unit}' if unit else ''}")

    def _inside(self, words: list[str], told: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        command = [*self.shell(), *words]
        return subprocess.run(command, input=told, env=_ENVIRONMENT, capture_output=True, check=False, timeout=120)

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection((self.address, 22), timeout=0.2) as connection:
            return connection.recv(4) == b"SSH-"
        return False

    def _until(self, look: Callable[[], bool], what: str, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not look():
            late = time.monotonic() >= deadline
            assert not late, f"waited {seconds:g} s in vain for {what}; see {self.console}{machine.spent()}"
            time.sleep(0.02)
