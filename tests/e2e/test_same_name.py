"""An instance that was forgotten, and another one of the same name."""

import os

import pytest

from tests.e2e.tiny import Instance
from tests.testbeds.stack import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_new_instance_does_not_inherit_the_software_of_an_orphan_of_its_name(db: Instance) -> None:
    await db.runs_from_nothing()
    orphan = db.pid
    await db.stack.call("DELETE", f"{db.path}?orphan=true")
    await db.create()
    await db.at_rest()
    assert (await db.get("/status"))["status"]["realtime"] == "not-installed"
    assert "stop" not in db.runs(), "the orphan was stopped, although nobody asked for it"
    os.kill(orphan, 0)


async def test_a_new_instance_waits_until_its_host_has_forgotten_the_former_one(db: Instance) -> None:
    await db.runs_from_nothing()
    await db.stack.call("DELETE", f"{db.path}?uninstall=true")

    async def gone() -> bool:
        return (await db.stack.call("GET", db.path))[0] == 404

    await until(gone, "the former one to be gone")
    await db.create()
    await db.wish("running")
    await db.becomes("running")
    assert db.runs() == ["install", "start", "stop", "uninstall", "install", "start"]
