from pathlib import Path

from sqlalchemy import text

from paas_controller.store.store import Store
from tests.controller.store.conftest import url


async def test_the_file_and_its_folder_are_the_owners_alone(tmp_path: Path) -> None:
    store = await Store.open(url(tmp_path / "made" / "here"))
    assert (tmp_path / "made" / "here").stat().st_mode & 0o777 == 0o700
    modes = {file.stat().st_mode & 0o777 for file in (tmp_path / "made" / "here").iterdir()}
    await store.close()
    assert modes == {0o600}


async def test_a_commit_is_on_disk_and_readers_do_not_wait_for_it(store: Store) -> None:
    settings = {
        name: await store.read(lambda c, name=name: c.execute(text(f"PRAGMA {name}")).scalar())
        for name in ("journal_mode", "synchronous", "foreign_keys")
    }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
