"""A backup of the database is put back: what is on the hosts by then counts, and what is expected comes true."""

import sqlite3
from contextlib import closing

import pytest

from tests.e2e.tiny import Instance
from tests.testbeds.stack import Stack, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_what_was_deleted_since_the_backup_is_installed_anew(db: Instance, stack: Stack) -> None:
    kept, copy = stack.folder / "controller" / "controller.db", stack.folder / "backup.db"
    await db.runs_from_nothing()
    await db.at_rest()
    with closing(sqlite3.connect(kept)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    await stack.call("DELETE", f"{db.path}?uninstall=true")

    async def forgotten() -> bool:
        with closing(sqlite3.connect(kept)) as connection:
            told = connection.execute("SELECT count(*) FROM forgotten").fetchone() == (0,)
        return told and (await stack.call("GET", db.path))[0] == 404

    await until(forgotten, "its agent to have forgotten it")
    stack.controller.stop()
    for journal in kept.parent.glob("controller.db-*"):
        journal.unlink()
    copy.replace(kept)
    await stack.start_controller()
    await db.ran("install", "start", "stop", "uninstall", "install", "start")
    await db.becomes("running")
