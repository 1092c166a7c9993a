"""The story as it happens: each step once, in order, whoever listens from wherever, and one read for all."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import Connection

from paas_controller.base.errors import Conflict
from paas_controller.events import stream as streams
from paas_controller.events import tables as events
from paas_controller.events.stream import Behind, Listener, Stream, Wanted
from paas_controller.store.store import Store
from tests.controller.shell import until

EVERYTHING = Wanted()


class Counting(Store):
    """Counts what is read."""

    reads = 0

    async def read(self, query: Any) -> Any:
        self.reads += 1
        return await super().read(query)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Counting]:
    store = await Counting.open(database_url)
    yield store
    await store.close()


@pytest.fixture
async def stream(store: Store) -> AsyncIterator[Stream]:
    """A stream of which only the four newest steps stay in memory."""
    stream = Stream(store, kept=4)
    pump = asyncio.create_task(stream.pump())
    yield stream
    await stream.close()
    pump.cancel()
    await asyncio.gather(pump, return_exceptions=True)


async def happens(store: Store, *sentences: str, name: str = "db", kind: str = "database") -> None:
    rows = [{"at": 0.0, "topic": kind, "name": name, "sentence": sentence} for sentence in sentences]
    await store.write(lambda c: events.append(c, rows))


def sentences(messages: bytes) -> list[str]:
    return [told["sentence"] for _, told in parsed(messages)]


def parsed(messages: bytes) -> list[tuple[int, Any]]:
    """Number and document of each message."""
    found = []
    for message in messages.decode().removesuffix("\n\n").split("\n\n"):
        number, event, data = message.split("\n")
        assert event == "event: change"
        found.append((int(number.removeprefix("id: ")), json.loads(data.removeprefix("data: "))))
    return found


async def heard(listener: Listener, count: int) -> list[str]:
    """The next so many sentences."""
    told: list[str] = []
    async with asyncio.timeout(10):
        while len(told) < count:
            told += sentences(await listener.next())
    return told


async def test_who_names_no_step_hears_what_happens_from_now_on(store: Store, stream: Stream) -> None:
    await happens(store, "before")
    async with stream.listening(None, EVERYTHING) as listener:
        await happens(store, "after")
        assert await heard(listener, 1) == ["after"]


async def test_who_names_a_step_hears_what_came_after_it_and_then_what_happens(store: Store, stream: Stream) -> None:
    await happens(store, "1", "2", "3")
    async with stream.listening(1, EVERYTHING) as listener:
        assert await heard(listener, 2) == ["2", "3"]
        await happens(store, "4")
        assert await heard(listener, 1) == ["4"]


async def test_from_0_on_is_everything_that_is_kept(store: Store, stream: Stream) -> None:
    await happens(store, *"abc")
    await store.write(lambda c: events.drop(c, before=1.0))
    await happens(store, *"de")
    async with stream.listening(0, EVERYTHING) as listener:
        assert await heard(listener, 2) == ["d", "e"]


async def test_a_number_that_was_never_given_is_taken_for_now(store: Store, stream: Stream) -> None:
    await happens(store, "before")
    async with stream.listening(2**60, EVERYTHING) as listener:
        await happens(store, "after")
        assert await heard(listener, 1) == ["after"]


async def test_numbers_are_not_given_again_when_the_newest_steps_are_dropped(store: Store, stream: Stream) -> None:
    await happens(store, "a", "b")
    await store.write(lambda c: events.drop(c, before=1.0))
    async with stream.listening(2, EVERYTHING) as listener:
        await happens(store, "c")
        assert await heard(listener, 1) == ["c"]
        assert listener.position == 3


async def test_whose_story_is_chosen_by_kind_and_name_in_the_past_and_live(store: Store, stream: Stream) -> None:
    async def both_rounds(number: int) -> None:
        await happens(store, f"db {number}")
        await happens(store, f"other {number}", name="other")
        await happens(store, f"middleware {number}", kind="middleware")

    await both_rounds(1)
    async with (
        stream.listening(0, Wanted("database")) as databases,
        stream.listening(0, Wanted("database", "db")) as one,
        stream.listening(0, Wanted("middleware", "other")) as nothing,
    ):
        waiting = asyncio.create_task(nothing.next())
        await both_rounds(2)
        assert await heard(databases, 4) == ["db 1", "other 1", "db 2", "other 2"]
        assert await heard(one, 2) == ["db 1", "db 2"]
        assert not waiting.done()
        await stream.close()
        assert await waiting == b""


async def test_nothing_is_lost_and_nothing_comes_twice_while_listeners_come_and_go(
    store: Store, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "PAGE", 3)
    expected = [str(number) for number in range(300)]

    async def happen() -> None:
        for start in range(0, 300, 5):
            await asyncio.gather(*(happens(store, sentence) for sentence in expected[start : start + 5]))

    async def listen(patience: int) -> list[str]:
        """Hears so many messages, goes, and comes again from where it was."""
        told, position = list[str](), 0
        while len(told) < 300:
            async with stream.listening(position, EVERYTHING) as listener:
                for _ in range(patience):
                    if len(told) == 300:
                        break
                    try:
                        told += sentences(await listener.next())
                    except Behind:
                        break
                position = listener.position
        return told

    async with asyncio.timeout(30):
        everything, *_ = stories = await asyncio.gather(*(listen(patience) for patience in (1, 2, 7)), happen())
    assert sorted(everything, key=int) == expected
    assert [story == everything for story in stories[:-1]] == [True, True, True]


async def test_a_command_that_failed_tells_nothing_and_leaves_no_gap_behind(store: Store, stream: Stream) -> None:
    def fails(connection: Connection) -> None:
        events.append(connection, [{"at": 0.0, "topic": "database", "name": "db", "sentence": "taken back"}])
        raise Conflict("no")

    async with stream.listening(None, EVERYTHING) as listener:
        with pytest.raises(Conflict):
            await store.write(fails)
        await happens(store, "kept")
        assert await heard(listener, 1) == ["kept"]


async def test_who_takes_less_than_what_happens_falls_behind_and_goes_on_from_there(
    store: Store, stream: Stream
) -> None:
    async with stream.listening(None, EVERYTHING) as quick, stream.listening(None, EVERYTHING) as slow:
        await happens(store, "0")
        assert await heard(slow, 1) == ["0"]
        for number in range(1, 20):
            await happens(store, str(number))
            await heard(quick, 1 if number > 1 else 2)
        with pytest.raises(Behind):
            await slow.next()
        async with stream.listening(slow.position, EVERYTHING) as again:
            assert await heard(again, 19) == [str(number) for number in range(1, 20)]


async def test_a_thousand_listeners_cost_one_read_for_a_commit(store: Counting, stream: Stream) -> None:
    async def one() -> list[str]:
        async with stream.listening(None, EVERYTHING) as listener:
            return await heard(listener, 1)

    listening = [asyncio.create_task(one()) for _ in range(1000)]
    await until(lambda: stream.listeners == 1000, "all to listen")
    before = store.reads
    await happens(store, "news")
    assert await asyncio.gather(*listening) == [["news"]] * 1000
    assert store.reads - before == 1


async def test_while_nobody_listens_nothing_is_read(store: Counting, stream: Stream) -> None:
    await happens(store, "one")
    await happens(store, "two")
    await until(lambda: not stream._written.is_set(), "the stream to have looked")
    assert store.reads == 0


async def test_a_database_that_cannot_be_read_for_a_moment_loses_nothing(
    store: Counting, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stream.listening(None, EVERYTHING) as listener:

        async def gone(_: object) -> None:
            raise Conflict("gone")

        with monkeypatch.context() as broken:
            broken.setattr(store, "read", gone)
            await happens(store, "meanwhile")
            with pytest.raises(Conflict):
                await asyncio.wait_for(stream.pump(), 10)
        again = asyncio.create_task(stream.pump())
        assert await heard(listener, 1) == ["meanwhile"]
        again.cancel()
        await asyncio.gather(again, return_exceptions=True)


async def test_a_message_says_what_the_story_says_and_of_what(store: Store, stream: Stream) -> None:
    row = {"at": 1782640800.0, "topic": "database", "name": "db", "host": "10.0.0.1:3335", "before": "running"}
    row |= {"after": "failed", "why": "check", "sentence": "line\nbreak", "operation": ""}
    await store.write(lambda c: events.append(c, [row]))
    async with stream.listening(0, EVERYTHING) as listener:
        ((number, told),) = parsed(await listener.next())
    assert number == told["id"] == 1
    assert told == {
        "id": 1, "kind": "database", "name": "db", "at": "2026-06-28T10:00:00.000Z", "host": "10.0.0.1:3335",
        "from": "running", "to": "failed", "cause": "check", "sentence": "line\nbreak", "operation": None,
    }  # fmt: skip
