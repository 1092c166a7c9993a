"""The board: every instance as it is now, in memory. A draft is what is about to be so, committed as one.

Memory is changed first and in one step, so that nobody ever decides on a state that is half changed; the rows follow in
the same order, guarded by the version. Whoever changed something is answered after the commit. Where a commit fails the
board takes back what the database holds.
"""

import bisect
from collections.abc import Callable, Iterator, Set
from functools import partial
from typing import Any

from sqlalchemy import Connection, insert

from paas_agent.contract import Kind
from paas_controller.base.errors import NotFound, Retryable
from paas_controller.events import tables as events
from paas_controller.software import records
from paas_controller.software.days import Days
from paas_controller.software.drafts import Draft, Told
from paas_controller.software.instances import Instance, Name
from paas_controller.software.members import Member, Moved
from paas_controller.store.store import Store

_ADD_CHANGE = insert(records.CHANGE).inline()


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
        self._dependents: dict[Name, set[Name]] = {}
        self._last_member = 0

    async def start(self) -> None:
        self._last_member = await self._store.read(records.last_member_id)
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

    def dependents(self, instance: Instance) -> list[Instance]:
        """The instances that depend on this one."""
        names = sorted(self._dependents.get(instance.key, ()))
        return [found for name in names if (found := self.named(*name)) is not None]

    def dependencies(self, instance: Instance) -> list[tuple[Name, Instance | None]]:
        """What this instance depends on, by name; None where there is no such instance."""
        return [(name, self.named(*name)) for name in instance.depends_on]

    def new_member_id(self) -> int:
        """An id that no member ever had."""
        self._last_member += 1
        return self._last_member

    def add(self, instance: Instance) -> None:
        self._instances[instance.id] = instance
        self._names[instance.key] = instance.id
        bisect.insort(self._ordered.setdefault(instance.kind, []), instance.name)
        self._index(None, instance)
        self.notify(instance.id)

    def _index(self, before: Instance | None, after: Instance | None) -> None:
        """Keeps the ways to an instance, by host and by what it depends on, when these change."""
        if before is not None:
            for member in before.members:
                self._hosts[member.host].pop(before.key, None)
            for name in before.depends_on:
                self._dependents[name].discard(before.key)
        if after is not None:
            for member in after.members:
                self._hosts.setdefault(member.host, {})[after.key] = after.id
            for name in after.depends_on:
                self._dependents.setdefault(name, set()).add(after.key)

    def _put(self, before: Instance, after: Instance) -> None:
        self._instances[before.id] = after
        if before.revision != after.revision:
            self._index(before, after)
            hosts = {member.host for member in after.members}
            for host in {member.host for member in before.members} - hosts:
                self._forgotten.setdefault(host, set()).add(after.key)

    async def forget(self, instance: Instance, why: Moved) -> None:
        """Deletes an instance, with a last line of its story; its agents are told with their next reports."""

        def write(connection: Connection) -> None:
            records.remove(connection, instance, why.at)
            events.append(connection, [story_row(instance, "", why)])

        await self._store.write(write)
        around = self._around(instance)
        self._instances.pop(instance.id, None)
        self._names.pop(instance.key, None)
        self._ordered[instance.kind].remove(instance.name)
        self._index(instance, None)
        for member in instance.members:
            self._forgotten.setdefault(member.host, set()).add(instance.key)
        for identifier in (instance.id, *around):
            self.notify(identifier)

    async def commit(self, draft: Draft) -> None:
        """Makes the draft so: in memory at once, on disk when this returns. Raises Retryable where it cannot."""
        if not draft.closed:
            self.follow(draft)
        for before, after in draft.edits.values():
            if self._instances.get(before.id) is before:
                self._put(before, after)
        try:
            await self._store.write(lambda connection: self._write(connection, draft))
        except BaseException:
            await self._take_back([before for before, _ in draft.edits.values()])
            raise
        for act in draft.afterwards:
            act()
        for identifier in draft.edits:
            self.notify(identifier)

    def notify(self, identifier: int) -> None:
        """Something that bears on this instance, and on those around it, has changed."""
        instance = self._instances.get(identifier)
        around = self._around(instance) if instance else []
        for affected in (identifier, *around):
            for watcher in self.watchers:
                watcher(affected)

    def _around(self, instance: Instance) -> list[int]:
        """The ids of what depends on it and of what it depends on."""
        needed = (found for _, found in self.dependencies(instance) if found is not None)
        return [other.id for other in (*self.dependents(instance), *needed)]

    def _write(self, connection: Connection, draft: Draft) -> None:
        records.save(connection, draft.edits.values())
        events.append(connection, [story_row(told.instance, told.host, told.moved) for told in draft.story])
        if draft.changes:
            connection.execute(_ADD_CHANGE, [self._change(told) for told in draft.changes])
        for write in draft.writes:
            write(connection)

    async def _take_back(self, befores: list[Instance]) -> None:
        try:
            kept = {each.id: await self._store.read(partial(records.load, identifier=each.id)) for each in befores}
        except Retryable:  # it cannot be asked; what was built on a failed change fails as well, so the oldest is right
            kept = {each.id: [min(each, self._instances.get(each.id, each), key=_version)] for each in befores}
        for identifier, found in kept.items():
            if found and identifier in self._instances:
                self._index(self._instances[identifier], found[0])
                self._instances[identifier] = found[0]
                for member in found[0].members:
                    self._forgotten.get(member.host, set()).discard(found[0].key)

    def _change(self, told: Told) -> dict[str, Any]:
        moved = told.moved
        row: dict[str, Any] = {
            "day": self._days.day_of(moved.at),
            "kind": told.instance.kind,
            "name": told.instance.name,
        }
        row |= {"host": told.host, "before": moved.before, "after": moved.after, "at": moved.at}
        return row | {"cause": moved.why, "reason": moved.sentence}


def _version(instance: Instance) -> int:
    return instance.version


def story_row(instance: Instance, host: str, moved: Moved) -> dict[str, Any]:
    """A step of the story, as `events` keeps it."""
    row: dict[str, Any] = {"at": moved.at, "topic": instance.kind, "name": instance.name, "host": host}
    row |= {"before": moved.before, "after": moved.after, "why": moved.why, "sentence": moved.sentence}
    return row | {"operation": moved.operation}
