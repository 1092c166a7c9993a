"""A host's machine: systemd-nspawn in a cgroup and a network namespace of its own, started again when it reboots.

Its systemd sees cgroups of the new kind (v2) alone, as Debian 12 has them, whatever this machine has.
"""

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from tests.testbeds.hosts.machine import CGROUPS

# 133 is how nspawn says that the host wants to boot again. Its cgroups are gone when it was told to end meanwhile.
_BOOT = """
while
    sh -c 'for group in $0; do echo $$ >"$group/cgroup.procs" || exit; done; exec "$@"' "$@"
    [ $? -eq 133 ]
do :; done
"""
_SECONDS = 20


def start(name: str, root: Path, console: Path) -> None:
    """Boots; it goes on when this process ends."""
    groups = _groups(name)
    for group in groups:
        group.mkdir()
    nspawn = [
        *("systemd-nspawn", "--quiet", "--boot", f"--directory={root}", f"--machine={name}", "--register=no"),
        *("--keep-unit", f"--network-namespace-path=/run/netns/{name}", "--capability=CAP_NET_ADMIN"),
        *("--link-journal=no", "--resolv-conf=off", "--timezone=off", "--console=pipe"),
    ]
    loop = ["setsid", "--fork", "sh", "-c", _BOOT, "boot", " ".join(map(str, groups)), *nspawn]
    environment = os.environ | {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
    with console.open("ab") as output:
        subprocess.run(
            loop, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/", check=True
        )


def end(name: str) -> None:
    """SIGKILL to all of it, the init first; it may be gone already. Returns when no process is left."""
    deadline = time.monotonic() + _SECONDS
    while not _gone(name):
        for pid in (init(name), *_pids(name)):
            if pid:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        assert time.monotonic() < deadline, f"waited {_SECONDS} s in vain for {name} to end"
        time.sleep(0.01)


def init(name: str) -> int:
    """The pid, on this machine, of the host's own process 1; 0 where it is not there."""
    for pid in _read(_groups(name)[0] / "payload" / "init.scope" / "cgroup.procs"):
        with suppress(FileNotFoundError, ProcessLookupError):
            status = Path(f"/proc/{pid}/status").read_text().splitlines()
            if any(line.startswith("NSpid:") and line.split()[-1] == "1" for line in status):
                return pid
    return 0


def _groups(name: str) -> list[Path]:
    """Its cgroup; where this machine has both kinds of them, in the new and in systemd's old one."""
    old = [CGROUPS / "unified", CGROUPS / "systemd"]
    parents = [parent for parent in old if parent.is_dir()] or [CGROUPS]
    return [parent / name for parent in parents]


def _pids(name: str) -> set[int]:
    return {pid for group in _groups(name) for file in group.rglob("cgroup.procs") for pid in _read(file)}


def _gone(name: str) -> bool:
    """Removes the cgroups that nobody is in any more; whether all are gone."""
    for group in _groups(name):
        for folder in sorted((group, *group.rglob("*/")), reverse=True):
            with suppress(OSError):
                folder.rmdir()
    return not any(group.exists() for group in _groups(name))


def _read(procs: Path) -> list[int]:
    with suppress(OSError):
        return [int(line) for line in procs.read_text().split()]
    return []
