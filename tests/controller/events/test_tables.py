"""The story as rows: appended in the caller's transaction, read newest first, dropped by age."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import Connection

from paas_controller.events import tables as events
from paas_controller.store.store import Store


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    store = await Store.open(database_url)
    yield store
    await store.close()


def _row(at: float, name: str = "db", topic: str = "database") -> dict[str, Any]:
    return {"at": at, "topic": topic, "name": name, "sentence": f"at {at:g}"}


async def _told(store: Store, before: int | None = None, limit: int = 10) -> list[tuple[int, str]]:
    rows = await store.read(lambda c: events.page(c, "database", "db", before, limit))
    return [(row["id"], row["sentence"]) for row in rows]


async def test_a_story_is_read_newest_first_and_goes_on_where_a_page_ended(store: Store) -> None:
    await store.write(lambda c: events.append(c, [_row(1), _row(2, "other"), _row(3, "db", "middleware"), _row(4)]))
    await store.write(lambda c: events.append(c, [_row(5)]))
    first = await _told(store, limit=2)
    assert [sentence for _, sentence in first] == ["at 5", "at 4"]
    assert [sentence for _, sentence in await _told(store, before=first[-1][0])] == ["at 1"]


async def test_an_event_is_kept_with_what_it_tells_of_or_not_at_all(store: Store) -> None:
    def fail(connection: Connection) -> None:
        events.append(connection, [_row(1)])
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - ours, raised above
        await store.write(fail)
    assert await _told(store) == []


async def test_no_event_is_no_write(store: Store) -> None:
    await store.write(lambda c: events.append(c, []))
    assert await _told(store) == []


async def test_what_is_older_than_a_moment_is_dropped(store: Store) -> None:
    await store.write(lambda c: events.append(c, [_row(1), _row(2), _row(3)]))
    await store.write(lambda c: events.drop(c, 2))
    assert [sentence for _, sentence in await _told(store)] == ["at 3", "at 2"]
