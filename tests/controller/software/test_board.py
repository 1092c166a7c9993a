"""The board: memory first, rows after it, and what happens where the rows cannot follow."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from unittest.mock import AsyncMock

import pytest
from sqlalchemy import Connection

from paas_controller.base.errors import NotFound, Retryable
from paas_controller.software import records
from paas_controller.software.board import Board, Draft
from paas_controller.software.days import Days
from paas_controller.software.instances import Instance
from paas_controller.software.members import Member, Moved, Turn
from paas_controller.store.store import Store
from tests.controller.shell import MORNING

DELETED = Moved("not-installed", "not-installed", MORNING, "wish", "deleted by admin")


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    store = await Store.open(database_url)
    yield store
    await store.close()


@pytest.fixture
async def board(store: Store) -> Board:
    """A board with one stopped database on two hosts."""
    board = Board(store, Days("UTC"))
    members = tuple(Member(id=board.new_member_id(), host=f"h{number}:3335", position=number) for number in range(2))
    fresh = Instance(id=0, kind="database", name="db", expect="not-installed", members=members)
    board.add(await store.write(lambda c: records.create(c, fresh, "sealed")))
    return board


def _db(board: Board) -> Instance:
    return board.get("database", "db")


def _held(board: Board) -> Draft:
    """A draft that holds the database."""
    draft, instance = Draft(), _db(board)
    draft.put(instance, replace(instance, held=True))
    return draft


def _refuse(_: Connection) -> None:
    raise Retryable("disk full")


async def _kept(store: Store) -> Instance:
    return (await store.read(records.load))[0]


async def test_a_commit_is_so_in_memory_at_once_and_on_disk_when_it_returns(board: Board, store: Store) -> None:
    before = _db(board)
    commit = asyncio.create_task(board.commit(_held(board)))
    await asyncio.sleep(0)
    assert _db(board).held
    assert not commit.done()
    await commit
    assert await _kept(store) == _db(board) != before


async def test_what_was_committed_is_there_for_a_new_board(board: Board, store: Store) -> None:
    await board.commit(_held(board))
    again = Board(store, Days("UTC"))
    await again.start()
    assert _db(again) == _db(board)
    assert _db(again).version == 2


async def test_a_commit_that_fails_is_taken_back(board: Board, store: Store) -> None:
    draft, before = _held(board), _db(board)
    draft.writes.append(_refuse)
    with pytest.raises(Retryable, match="disk full"):
        await board.commit(draft)
    assert _db(board) == before == await _kept(store)


async def test_of_two_drafts_from_the_same_state_the_second_is_refused(board: Board, store: Store) -> None:
    first, second = _held(board), Draft()
    second.put(_db(board), replace(_db(board), expect="running"))
    await board.commit(first)
    with pytest.raises(Retryable, match="changed meanwhile"):
        await board.commit(second)
    assert (_db(board).held, _db(board).expect) == (True, "not-installed")
    assert _db(board) == await _kept(store)


async def test_of_many_changes_in_one_draft_all_are_made_or_none(board: Board, store: Store) -> None:
    for number in range(3):
        member = Member(id=board.new_member_id(), host="h9:3335", position=0)
        fresh = replace(_db(board), id=0, name=f"more{number}", members=(member,))
        board.add(await store.write(lambda c, fresh=fresh: records.create(c, fresh, "sealed")))
    many, stale = Draft(), Draft()
    for instance in board:
        many.put(instance, replace(instance, held=True))
        stale.put(instance, replace(instance, expect="running"))
    await board.commit(many)
    with pytest.raises(Retryable, match="db or more0 or more1 or more2 changed meanwhile; try again"):
        await board.commit(stale)
    assert {(kept.held, kept.expect) for kept in await store.read(records.load)} == {(True, "not-installed")}


async def test_a_draft_on_top_of_one_that_fails_fails_with_it(board: Board, store: Store) -> None:
    failing = _held(board)
    failing.writes.append(_refuse)
    first = asyncio.create_task(board.commit(failing))
    await asyncio.sleep(0)
    assert _db(board).held
    second = Draft()
    second.put(_db(board), replace(_db(board), expect="running"))
    results = await asyncio.gather(first, board.commit(second), return_exceptions=True)
    assert [type(result) for result in results] == [Retryable, Retryable]
    assert _db(board) == await _kept(store)
    assert (_db(board).held, _db(board).expect) == (False, "not-installed")
    await board.commit(_held(board))


async def test_drafts_that_fail_while_the_database_cannot_be_asked_leave_memory_as_it_was(
    board: Board, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, failing = _db(board), _held(board)
    failing.writes.append(_refuse)
    first = asyncio.create_task(board.commit(failing))
    await asyncio.sleep(0)
    second = Draft()
    second.put(_db(board), replace(_db(board), expect="running"))
    with monkeypatch.context() as patched:
        patched.setattr(store, "read", AsyncMock(side_effect=Retryable("gone")))
        results = await asyncio.gather(first, board.commit(second), return_exceptions=True)
    assert [str(result) for result in results] == ["disk full", "db changed meanwhile; try again"]
    assert _db(board) == before == await _kept(store)
    await board.commit(_held(board))


async def test_watchers_are_told_after_a_commit_and_not_after_a_failure(board: Board) -> None:
    told: list[int] = []
    board.watchers.append(told.append)
    await board.commit(_held(board))
    assert told == [_db(board).id]
    failing = Draft()
    failing.put(_db(board), replace(_db(board), held=False))
    failing.writes.append(_refuse)
    with pytest.raises(Retryable):
        await board.commit(failing)
    assert len(told) == 1


async def test_turns_of_two_members_are_one_commit_and_one_version(board: Board, store: Store) -> None:
    draft, instance = Draft(), _db(board)
    for member in instance.members:
        moved = Moved("not-installed", "running", MORNING, "check", "seen")
        draft.take(instance, member, Turn(replace(member, realtime="running"), (moved,), (moved,)))
    await board.commit(draft)
    assert (await _kept(store)).realtime == "running"
    assert _db(board).version == 2
    changes = await store.read(lambda c: records.changed_on(c, "database", "2026-06-28", ""))
    assert [change["host"] for change in changes] == ["h0:3335", "h1:3335"]


async def test_a_turn_that_changed_nothing_leaves_no_trace(board: Board) -> None:
    draft, instance = Draft(), _db(board)
    draft.take(instance, instance.members[0], Turn(instance.members[0]))
    assert not draft


async def test_what_is_forgotten_is_found_no_more_and_its_hosts_are_to_be_told(board: Board, store: Store) -> None:
    instance = _db(board)
    await board.forget(instance, DELETED)
    with pytest.raises(NotFound):
        _db(board)
    assert board.find(instance.id) is None
    assert board.on_host("h0:3335") == []
    assert board.forgotten("h1:3335") == {("database", "db")}
    again = Board(store, Days("UTC"))
    await again.start()
    assert list(again) == []
    assert again.forgotten("h0:3335") == {("database", "db")}


async def test_what_changed_while_it_was_being_forgotten_is_kept(board: Board, store: Store) -> None:
    before = _db(board)
    await board.commit(_held(board))
    with pytest.raises(Retryable, match="changed meanwhile"):
        await board.forget(before, DELETED)
    assert _db(board) == await _kept(store)


async def test_an_id_is_never_anothers(board: Board, store: Store) -> None:
    first = _db(board)
    await board.forget(first, DELETED)
    members = tuple(replace(member, id=board.new_member_id()) for member in first.members)
    fresh = replace(first, id=0, members=members)
    second = await store.write(lambda c: records.create(c, fresh, "sealed"))
    assert second.id > first.id
    assert {member.id for member in second.members}.isdisjoint(member.id for member in first.members)
