"""A cluster by hand: `up`, `down`."""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

import psutil

from tests.testbeds.hosts.machine import CannotStart, CommandFailed
from tests.testbeds.kubernetes.cluster import NODE, NODE_MEMORY, NODE_PORTS, Cluster
from tests.testbeds.kubernetes.programs import programs

FOLDER = Path(tempfile.gettempdir()) / "paas-kubernetes"
RUNNING = FOLDER / "running.json"


def up() -> None:
    if FOLDER.exists():
        sys.exit("there is a cluster already; end it with `python -m tests.testbeds.kubernetes down`")
    made = Cluster(programs(), FOLDER, stays=True)
    try:
        made.start()
        RUNNING.write_text(json.dumps({pid: psutil.Process(pid).create_time() for pid in made.pids}))
    except BaseException:
        made.end()
        raise
    print(f"export KUBECONFIG={made.kubeconfig()}")
    print(f"{made.url} has one node, {NODE} of {NODE_MEMORY}; a NodePort is {NODE_PORTS[0]} to {NODE_PORTS[-1]}.")
    print("End it with `python -m tests.testbeds.kubernetes down`.")


def down() -> None:
    """What `up` has left, also after the machine was started anew; what a test run holds is its own."""
    if not FOLDER.exists():
        return
    started = json.loads(RUNNING.read_text()) if RUNNING.exists() else {}
    running = [process for process in psutil.process_iter() if process.create_time() == started.get(str(process.pid))]
    for process in running:
        process.kill()
    psutil.wait_procs(running, 20)
    shutil.rmtree(FOLDER)


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.testbeds.kubernetes", description="A Kubernetes without machines.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="a cluster that stays")
    commands.add_parser("down", help="end the one that `up` made")
    try:
        {"up": up, "down": down}[parser.parse_args().command]()
    except (CannotStart, CommandFailed, AssertionError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
