"""Hosts by hand: `up 4`, `list`, `shell NAME`, `down`."""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable

from tests.testbeds.hosts.bed import bed, beds
from tests.testbeds.hosts.machine import CannotStart, CommandFailed
from tests.testbeds.hosts.tree import PASSWORDS


def up(count: int) -> None:
    with bed() as made:
        for host in made.add(count):
            print(f"{host.name}  {host.address}")
        made.keep()
    print(f"A controller that they shall reach listens on {made.address}. Log in as")
    for user, password in PASSWORDS.items():
        print(f"  {user:6}{password}")
    print("End them with `python -m tests.testbeds.hosts down`.")


def down() -> None:
    """Those that `up` has left; what a test run holds is its own."""
    for one in beds():
        if one.is_kept:
            one.down()


def show() -> None:
    for one in beds():
        for host in one.hosts:
            state, whose = "on" if host.running else "off", "" if one.is_kept else "  of a test run"
            print(f"{host.name}  {host.address}  {state}{whose}")


def shell(name: str) -> None:
    host = next((host for one in beds() for host in one.hosts if host.name == name), None)
    if host is None or not host.running:
        sys.exit(f"there is no host {name} that runs; `list` tells which there are")
    environment = {"TERM": os.environ.get("TERM", "dumb"), "HOME": "/root", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    sys.exit(subprocess.run([*host.shell(), "bash", "--login"], env=environment, check=False).returncode)


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.testbeds.hosts", description="Hosts with systemd.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="a net with so many hosts").add_argument("count", type=int, nargs="?", default=4)
    commands.add_parser("down", help="end all that `up` made")
    commands.add_parser("list", help="the hosts that there are")
    commands.add_parser("shell", help="enter one as root").add_argument("name")
    arguments = vars(parser.parse_args())
    do: dict[str, Callable[..., None]] = {"up": up, "down": down, "list": show, "shell": shell}
    try:
        do[arguments.pop("command")](**arguments)
    except (CannotStart, CommandFailed, AssertionError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
