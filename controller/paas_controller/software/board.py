"""The board: every instance as it is now, in memory. A draft is what is about to be so, committed as one.

Memory is changed first and in one step, so that nobody ever decides on a state that is half changed; the rows follow in
the same order, guarded by the version. Whoever changed something is answered after the commit. Where a commit fails the
board takes back what the database holds.
"""

import bisect
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from sqlalchemy import Connection, insert

from paas_agent.contract import Kind
from paas_controller.base.errors import NotFound
from paas_controller.events import tables as events
from paas_controller.software import records
from paas_controller.software.days import Days
from paas_controller.software.instances import Instance
from paas_controller.software.members import Member, Moved, Turn
from paas_controller.store.store import Store

Write = Callable[[Connection], object]
Name = tuple[str, str]
"""Kind and name."""


_ADD_CHANGE = insert(records.CHANGE)


@dataclass(frozen=True, slots=True)
class Told:
    """A step of the story and whose it is."""

    instance: Instance
    host: str
    moved: Moved


class Draft:
    """Changes to any number of instances, collected before they are committed together."""

    def __init__(self) -> None:
        self.edits: dict[int, tuple[Instance, Instance]] = {}
        self.story: list[Told] = []
        self.changes: list[Told] = []
        self.writes: list[Write] = []
        self.afterwards: list[Callable[[], None]] = []
        """Done once the draft is committed."""
        self.closed = False
        """Nothing may be decided on it before it is committed."""

    def now(self, instance: Instance) -> Instance:
        """The instance as this draft has it."""
        return self.edits[instance.id][1] if instance.id in self.edits else instance

    def put(self, instance: Instance, after: Instance) -> None:
        before = self.edits[instance.id][0] if instance.id in self.edits else instance
        self.edits[instance.id] = (before, replace(after, version=before.version + 1))

    def take(self, instance: Instance, member: Member, turn: Turn) -> None:
        """Takes a member's turn; one that changed nothing leaves no trace."""
        if turn.member == member and not turn.story and not turn.changes:
            return
        self.put(instance, self.now(instance).with_member(turn.member))
        self.story.extend(Told(instance, member.host, moved) for moved in turn.story)
        self.changes.extend(Told(instance, member.host, moved) for moved in turn.changes)

    def __bool__(self) -> bool:
        return bool(self.edits or self.writes)


class Board:
    """All instances, found by id, by name and by host."""

    def __init__(self, store: Store, days: Days) -> None:
        self._store = store
        self._days = days
        self._instances: dict[int, Instance] = {}
        self._names: dict[Name, int] = {}
        self._ordered: dict[str, list[str]] = {}
        self._hosts: dict[str, dict[Name, int]] = {}
        self.follow: Callable[[Draft], None] = lambda _: None
        """Adds to a draft what it gives rise to, so that both are one commit."""
        self.watchers: list[Callable[[int], None]] = []
        """Called with an instance's id after something about it was committed."""
        self._forgotten: dict[str, set[Name]] = {}
        """By host, what was forgotten here and not yet by its agent."""

    async def start(self) -> None:
        for instance in await self._store.read(records.load):
            self.add(instance)
        for row in await self._store.read(records.forgotten):
            self._forgotten.setdefault(row.host, set()).add((row.kind, row.name))

    def __iter__(self) -> Iterator[Instance]:
        return iter(list(self._instances.values()))

    def find(self, identifier: int) -> Instance | None:
        return self._instances.get(identifier)

    def named(self, kind: str, name: str) -> Instance | None:
        identifier = self._names.get((kind, name))
        return None if identifier is None else self._instances[identifier]

    def get(self, kind: Kind, name: str) -> Instance:
        found = self.named(kind, name)
        if found is None:
            raise NotFound(f"no {kind} is called {name}")
        return found

    def after(self, kind: Kind, name: str) -> Iterator[Instance]:
        """The instances of a kind by name, those that come after this one."""
        names = self._ordered.get(kind, [])
        for index in range(bisect.bisect_right(names, name), len(names)):
            yield self._instances[self._names[kind, names[index]]]

    def on_host(self, host: str) -> list[tuple[Instance, Member]]:
        """The members on a host, with their instances."""
        found = (self._instances[identifier] for identifier in self._hosts.get(host, {}).values())
        return [(instance, member) for instance in found if (member := instance.on(host)) is not None]

    def unlisted(self, host: str, listed: Set[Name]) -> list[Instance]:
        """The instances on a host that are not in this list."""
        known = self._hosts.get(host)
        if not known or known.keys() <= listed:
            return []
        return [self._instances[identifier] for name, identifier in known.items() if name not in listed]

    def forgotten(self, host: str) -> set[Name]:
        """What this host's agent is still to forget; one of the same name has to wait until then."""
        return self._forgotten.get(host, set())

    def add(self, instance: Instance) -> None:
        self._instances[instance.id] = instance
        self._names[instance.kind, instance.name] = instance.id
        bisect.insort(self._ordered.setdefault(instance.kind, []), instance.name)
        for member in instance.members:
            self._hosts.setdefault(member.host, {})[instance.kind, instance.name] = instance.id
        self.notify(instance.id)

    async def forget(self, instance: Instance, why: Moved) -> None:
        """Deletes an instance, with a last line of its story; its agents are told with their next reports."""

        def write(connection: Connection) -> None:
            records.remove(connection, instance, why.at)
            events.append(connection, [story_row(instance, "", why)])

        await self._store.write(write)
        self._instances.pop(instance.id, None)
        self._names.pop((instance.kind, instance.name), None)
        self._ordered[instance.kind].remove(instance.name)
        for member in instance.members:
            del self._hosts[member.host][instance.kind, instance.name]
            self._forgotten.setdefault(member.host, set()).add((instance.kind, instance.name))
        self.notify(instance.id)

    async def commit(self, draft: Draft) -> None:
        """Makes the draft so: in memory at once, on disk when this returns. Raises Retryable where it cannot."""
        if not draft.closed:
            self.follow(draft)
        for before, after in draft.edits.values():
            if self._instances.get(before.id) is before:
                self._instances[before.id] = after
        try:
            await self._store.write(lambda connection: self._write(connection, draft))
        except BaseException:
            await self._take_back(before.id for before, _ in draft.edits.values())
            raise
        for act in draft.afterwards:
            act()
        for identifier in draft.edits:
            self.notify(identifier)

    def notify(self, identifier: int) -> None:
        """Something that bears on this instance has changed."""
        for watcher in self.watchers:
            watcher(identifier)

    def _write(self, connection: Connection, draft: Draft) -> None:
        for before, after in draft.edits.values():
            records.save(connection, before, after)
        events.append(connection, [story_row(told.instance, told.host, told.moved) for told in draft.story])
        if draft.changes:
            connection.execute(_ADD_CHANGE, [self._change(told) for told in draft.changes])
        for write in draft.writes:
            write(connection)

    async def _take_back(self, identifiers: Iterable[int]) -> None:
        for identifier in list(identifiers):
            kept = await self._store.read(partial(records.load, identifier=identifier))
            if kept and identifier in self._instances:
                self._instances[identifier] = kept[0]

    def _change(self, told: Told) -> dict[str, Any]:
        moved = told.moved
        row: dict[str, Any] = {
            "day": self._days.day_of(moved.at),
            "kind": told.instance.kind,
            "name": told.instance.name,
        }
        row |= {"host": told.host, "before": moved.before, "after": moved.after, "at": moved.at}
        return row | {"cause": moved.why, "reason": moved.sentence}


def story_row(instance: Instance, host: str, moved: Moved) -> dict[str, Any]:
    """A step of the story, as `events` keeps it."""
    row: dict[str, Any] = {"at": moved.at, "topic": instance.kind, "name": instance.name, "host": host}
    row |= {"before": moved.before, "after": moved.after, "why": moved.why, "sentence": moved.sentence}
    return row | {"operation": moved.operation}
