import asyncio

from sqlalchemy import Connection, text

from paas_controller.store.store import Store


def _count(connection: Connection) -> int:
    return int(connection.execute(text("SELECT count(*) FROM seen")).scalar_one())


async def test_a_read_finds_what_was_asked_to_be_written_before_it(database_url: str) -> None:
    store = await Store.open(database_url)
    await store.write(lambda connection: connection.execute(text("CREATE TABLE seen (n INTEGER)")))
    tasks = []
    for expected in range(1, 51):
        write = store.write(lambda connection: connection.execute(text("INSERT INTO seen VALUES (1)")))
        tasks.append(asyncio.create_task(write))
        await asyncio.sleep(0)
        assert await store.read(_count) == expected
    await asyncio.gather(*tasks)
    await store.close()
