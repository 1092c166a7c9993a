"""A disk that is full: a sentence, nothing half-done, and healed as soon as there is room again.

The small disks are tmpfs in a mount namespace of the program's own, so that no right of root is needed.
"""

import itertools
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
import pytest_asyncio

from tests.agent.repository import Repository
from tests.e2e.tiny import Instance, publish, serves
from tests.testbeds.stack import Agent, Program, Stack, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

MEBIBYTE = 1 << 20
_MOUNT = """
set -e
kept=$(mktemp -d)
cp -a "$1/." "$kept"
mount -t tmpfs -o "size=$2" tmpfs "$1"
cp -a "$kept/." "$1"
shift 2
exec "$@"
"""


def on_small_disk(program: Program, folder: Path, size: int) -> None:
    """From its next start on the program finds what is in the folder on a disk of `size` bytes."""
    user = ["--map-root-user"] if os.geteuid() else []
    mount = ["/bin/sh", "-c", _MOUNT, "sh", str(folder), str(size)]
    program.arguments = ["unshare", "--mount", *user, *mount, *program.arguments]


def fill(program: Program, folder: Path) -> Path:
    """Fills the program's disk; the file to remove to make room."""
    path = Path(f"/proc/{program.pid}/root{folder}/filler")
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    return path


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """A controller whose database lies on a disk of 8 MiB."""
    folder = tmp_path_factory.mktemp("stack")
    publish(folder / "repo" / "tiny")
    (folder / "disk").mkdir()
    database = f"sqlite:///{folder / 'disk' / 'controller.db'}"
    stack = Stack(folder, folder / "repo", report_interval="1", database_url=database)
    on_small_disk(stack.controller, folder / "disk", 8 * MEBIBYTE)
    async with stack:
        yield stack


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def agent(stack: Stack) -> Agent:
    """An agent whose work folder lies on a disk of 4 MiB."""
    agent = await stack.add_agent(start=False)
    on_small_disk(agent, agent.work_dir, 4 * MEBIBYTE)
    agent.start()
    await serves(agent)
    return agent


async def test_a_controller_that_cannot_write_says_503_and_half_does_nothing(db: Instance, stack: Stack) -> None:
    await db.runs_from_nothing()
    filler = fill(stack.controller, stack.folder / "disk")
    await _refused(db)
    assert (await db.get("/status"))["status"] == {"expect": "running", "realtime": "running"}
    other = db.body() | {"name": f"{db.name}-other"}
    status, answer = await stack.call("POST", "/database/create", other)
    assert (status, answer["error"]["code"]) == (503, "unavailable")
    assert (await stack.call("GET", f"/database/{other['name']}"))[0] == 404
    assert db.runs() == ["install", "start"]
    filler.unlink()
    await db.wish("release")
    await db.wish("stopped")
    await db.becomes("stopped")
    assert (await stack.call("POST", "/database/create", other))[0] == 201
    assert (await stack.call("DELETE", f"/database/{other['name']}"))[0] == 200


async def test_what_ended_while_the_controller_could_not_write_is_not_lost(db: Instance, stack: Stack) -> None:
    go_on = db.hold("install")
    await db.create()
    await db.wish("running")
    await db.ran("install")
    filler = fill(stack.controller, stack.folder / "disk")
    await _refused(db)
    go_on()
    await _ended_at_agent(db)
    filler.unlink()
    await db.wish("release")
    await db.becomes("running")
    assert db.runs() == ["install", "start"]
    assert {each["state"] for each in await db.operations()} == {"succeeded"}


async def test_a_package_larger_than_the_agents_disk_is_said_to_be_so_before_it_is_fetched(
    db: Instance, tmp_path: Path
) -> None:
    repository = Repository(tmp_path / "elsewhere")
    publish(repository.folder)
    repository.publish("package.bin", bytes(16 * MEBIBYTE))
    await repository.server.start_server()
    await db.create(repo_url=repository.url, package="package.bin")
    await db.wish("running")
    member = await db.says("make room on that disk")
    assert (member["realtime"], member["failures"]) == ("not-installed", 0)
    assert db.runs() == []
    repository.publish("package.bin", bytes(MEBIBYTE))
    await db.becomes("running")
    await repository.server.close()


async def test_an_agent_without_room_takes_no_order_and_goes_on_when_there_is_some(db: Instance, agent: Agent) -> None:
    await db.create()
    filler = fill(agent, agent.work_dir)
    await db.wish("running")
    await _log_says(db.stack, "the disk of the agent's work folder is full")
    assert db.runs() == []
    filler.unlink()
    await db.becomes("running")
    assert db.runs() == ["install", "start"]


async def _refused(db: Instance) -> None:
    """Waits until the controller cannot write this; its journal may have some pages in hand."""
    words = itertools.cycle(("hold", "release"))

    async def unavailable() -> bool:
        status, answer = await db.stack.call("PUT", f"{db.path}/{next(words)}")
        return bool(status == 503 and "try again" in answer["error"]["message"])

    await until(unavailable, "the disk to be full")


async def _ended_at_agent(db: Instance) -> None:
    root = Path(f"/proc/{db.agent.pid}/root")
    record = db.agent.work_dir / "journal" / "instances" / f"{db.kind}.{db.name}.json"

    async def ended() -> bool:
        return '"succeeded"' in (root / record.relative_to("/")).read_text()

    await until(ended, "the install to end")


async def _log_says(stack: Stack, words: str) -> None:
    async def said() -> bool:
        return words in stack.controller.log.read_text()

    await until(said, f"the log to say {words!r}")
