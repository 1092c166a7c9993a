"""What the tests of the SQL databases share."""

import os
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from scripts_repo.build import SCRIPTS
from tests.scripts_repo.conftest import USERS
from tests.scripts_repo.instances import Instance

HARD_PASSWORD = "$(touch owned) `touch owned` \\! touch owned 'single' \"double\" :x ; \\c -- /* |& *"

READ_ALL, WRITE_ALL = 1 << 2, 1 << 1

unprivileged = pytest.mark.parametrize("make", USERS[-1:], indirect=True)
as_oneself = pytest.mark.parametrize("make", USERS[:1], indirect=True)


def own_settings(instance: Instance, name: str, text: str) -> None:
    """A file of people's own settings, that the server's account may read."""
    own = instance.folder / "data/conf.d" / name
    own.write_text(text)
    own.chmod(0o644)


def own_address() -> str:
    """An IPv4 address of this machine beyond loopback, where it has one."""
    found = [address.address for card in psutil.net_if_addrs().values() for address in card if address.family == 2]
    return next((address for address in found if not address.startswith("127.")), "127.0.0.1")


def addresses(instance: Instance) -> set[str]:
    """Where its server listens."""
    connections = psutil.Process(instance.pid()).net_connections("inet4")
    return {connection.laddr.ip for connection in connections if connection.status == psutil.CONN_LISTEN}


def account(instance: Instance) -> str:
    """Whom its server has to run as."""
    return instance.user or ("nobody" if os.geteuid() == 0 else psutil.Process().username())


def in_a_container(instance: Instance) -> Instance:
    """The instance under an agent that is root as in a container: it may not look into others' processes."""
    scripts = instance.folder / "scripts"
    scripts.mkdir()
    gone = "-sys_ptrace,-dac_read_search,-sys_admin,-sys_resource"
    enter = f"setpriv --bounding-set={gone} --inh-caps=-all" if os.geteuid() == 0 else ""
    for name in SCRIPTS:
        (scripts / name).write_text(f"exec {enter} /bin/sh {instance.scripts / name}\n")
    package = f"{instance.row}.tar.gz"
    (scripts / package).symlink_to(instance.scripts / package)
    return replace(instance, scripts=scripts)


def privileges(process: int | str) -> int:
    """The capabilities of a process, as bits."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1], 16) for line in lines if line.startswith("CapPrm"))


def needed_privileges(instance: Instance) -> int:
    """Those of its server while its folder is closed to others: to read past that, where the agent is root."""
    if os.geteuid() != 0 or instance.user:
        return 0
    return READ_ALL if privileges("self") & READ_ALL else WRITE_ALL
