"""What a machine needs so that hosts can come up on it; what is missing is installed from Debian's packages."""

import ctypes
import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

CGROUPS = Path("/sys/fs/cgroup")
BEDS = Path("/run/paas-hosts")
_OS_RELEASE = Path("/etc/os-release")
_POLICY = Path("/usr/sbin/policy-rc.d")
_NEEDED = {
    "mmdebstrap": "mmdebstrap",
    "systemd-nspawn": "systemd-container",
    "ip": "iproute2",
    "nft": "nftables",
    "nsenter": "util-linux",
}


class CannotStart(Exception):
    """A sentence that says why hosts can never come up on this machine."""


class CommandFailed(Exception):
    """A program that should have worked here; what it said."""


def check() -> None:
    """CannotStart says where no installation is any help."""
    if os.geteuid() != 0:
        raise CannotStart("hosts with systemd take root to start; run this as root")
    if "ID=debian" not in _OS_RELEASE.read_text().splitlines() or not shutil.which("apt-get"):
        raise CannotStart("hosts with systemd are made from Debian's packages; run this on Debian 12")
    if not os.access(CGROUPS, os.W_OK) or not os.access("/run", os.W_OK):
        raise CannotStart(
            "hosts with systemd need cgroups of their own; run this where they can be made, outside a container"
        )


def spent() -> str:
    """A hint where the kernel gives no more inotify instances, without which no systemd boots; else empty."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init1(os.O_CLOEXEC)
    if descriptor >= 0:
        os.close(descriptor)
        return ""
    most = Path("/proc/sys/fs/inotify/max_user_instances").read_text().strip()
    return f" (all {most} inotify instances of the machine are taken: end other hosts, or raise max_user_instances)"


def equip(needed: Mapping[str, str] = _NEEDED) -> None:
    """Installs what is missing: by program, Debian's package that has it."""
    missing = sorted({package for program, package in needed.items() if not shutil.which(program)})
    if missing:
        with _nothing_starts():
            command("apt-get", "-qq", "update")
            command("apt-get", "-qq", "-y", "--no-install-recommends", "install", *missing)


def command(*words: str | Path, told: str = "") -> str:
    """Runs a program and gives its output; CommandFailed carries the program's own last words."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(words, input=told, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or [f"it ended with {done.returncode}"]
        raise CommandFailed(f"{' '.join(map(str, words))}: {said[-1]}")
    return done.stdout


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds the lock alone; waits for whoever holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def take(path: Path) -> IO[str] | None:
    """The lock, held until it is closed or its process ends; None where another process holds it."""
    lock = path.open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


@contextmanager
def _nothing_starts() -> Iterator[None]:
    """Debian's packages start their services where no policy says otherwise."""
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink()
