"""Repositories that are down, lie or lack something: a sentence, the last good state kept, healed when it is mended."""

import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.agent.repository import Repository, answering, broken_after
from tests.e2e.tiny import Instance, publish
from tests.testbeds.stack import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def elsewhere(tmp_path: Path) -> AsyncIterator[Repository]:
    """A repository of its own for each test, with the tiny software, a package and the sums of all."""
    repository = Repository(tmp_path / "elsewhere")
    publish(repository.folder)
    repository.publish("package.bin", os.urandom(1 << 18))
    repository.publish_sums()
    await repository.server.start_server()
    yield repository
    await repository.server.close()


async def _wants_to_run(db: Instance, elsewhere: Repository) -> None:
    await db.create(repo_url=elsewhere.url, package="package.bin")
    await db.wish("running")


async def test_a_repository_that_is_down_is_tried_until_it_is_back(db: Instance, elsewhere: Repository) -> None:
    elsewhere.fail("SHA256SUMS", *[answering(503)] * 1000)
    await _wants_to_run(db, elsewhere)
    await db.says("its web server answers 503; see to that server")
    await _attempts(db, 3)
    member = await db.member()
    assert (member["realtime"], member["failures"]) in (("not-installed", 0), ("installing", 0))
    elsewhere.faults.clear()
    await db.becomes("running")
    assert db.runs() == ["install", "start"]


async def test_an_address_where_nobody_listens_is_said_to_be_so(db: Instance, elsewhere: Repository) -> None:
    await db.create(repo_url="http://127.0.0.1:9/nobody/")
    await db.wish("running")
    await db.says("cannot be reached: Connection refused")
    assert db.runs() == []


async def test_a_package_that_breaks_off_is_resumed(db: Instance, elsewhere: Repository) -> None:
    elsewhere.fail("package.bin", broken_after(1000), broken_after(2000))
    await _wants_to_run(db, elsewhere)
    await db.becomes("running")
    assert db.runs() == ["install", "start"]


async def test_a_package_that_always_breaks_off_never_runs_half_loaded(db: Instance, elsewhere: Repository) -> None:
    elsewhere.fail("package.bin", *[broken_after(1000)] * 1000)
    await _wants_to_run(db, elsewhere)
    await db.says("package.bin broke off")
    assert db.runs() == []
    elsewhere.faults.clear()
    await db.becomes("running")


async def test_a_wrong_checksum_is_never_a_run(db: Instance, elsewhere: Repository) -> None:
    elsewhere.publish_sums(**{"package.bin": hashlib.sha256(b"another").hexdigest()})
    await _wants_to_run(db, elsewhere)
    await db.says("package.bin is not what SHA256SUMS says")
    assert db.runs() == []
    elsewhere.publish_sums()
    await db.becomes("running")


async def test_a_script_that_is_missing_is_named_and_nothing_is_touched(db: Instance, elsewhere: Repository) -> None:
    start = elsewhere.folder / "start.sh"
    text = start.read_bytes()
    start.unlink()
    elsewhere.publish_sums()
    await _wants_to_run(db, elsewhere)
    await db.says("start.sh")
    assert db.runs() == ["install"]
    assert (await db.member())["realtime"] in ("stopped", "starting")
    elsewhere.publish("start.sh", text)
    elsewhere.publish_sums()
    await db.becomes("running")
    assert db.runs() == ["install", "start"]


async def test_what_runs_is_left_alone_while_its_repository_is_gone(db: Instance, elsewhere: Repository) -> None:
    await _wants_to_run(db, elsewhere)
    await db.becomes("running")
    pid = db.pid
    for name in ("SHA256SUMS", *(path.name for path in elsewhere.folder.glob("*.sh"))):
        elsewhere.fail(name, *[answering(503)] * 1000)
    await db.wish("restart")
    member = await db.says("its web server answers 503")
    assert (member["realtime"], member["failures"], db.pid) == ("running", 0, pid)
    elsewhere.faults.clear()
    await db.ran("install", "start", "stop", "start")
    await db.becomes("running")


async def _attempts(db: Instance, count: int) -> None:
    async def made() -> bool:
        return len(await db.operations()) >= count

    await until(made, f"{count} attempts")
