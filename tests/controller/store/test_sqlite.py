from pathlib import Path

from sqlalchemy import text

from paas_controller.store.store import Store


async def test_the_file_and_its_folder_are_the_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "here"
    store = await Store.open(f"sqlite:///{folder / 'controller.db'}")
    assert folder.stat().st_mode & 0o777 == 0o700
    modes = {file.stat().st_mode & 0o777 for file in folder.iterdir()}
    await store.close()
    assert modes == {0o600}


async def test_a_commit_is_on_disk_and_readers_do_not_wait_for_it(tmp_path: Path) -> None:
    store = await Store.open(f"sqlite:///{tmp_path / 'controller.db'}")
    settings = {
        name: await store.read(lambda c, name=name: c.execute(text(f"PRAGMA {name}")).scalar())
        for name in ("journal_mode", "synchronous", "foreign_keys")
    }
    await store.close()
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
