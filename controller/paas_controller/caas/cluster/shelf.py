"""All objects of one kind, by namespace and group. Pure.

Within a kind resource versions grow with time, whoever tells: a watch in its order, or the answer to a write, which may
overtake the watch. So older never replaces newer, and what is no newer than the watch has come is known already.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from paas_controller.caas.cluster.parsing import Raw, version

T = TypeVar("T")
Key = tuple[str, str]
"""Namespace and name; a namespace is in itself."""


@dataclass(frozen=True, slots=True)
class _Known(Generic[T]):
    version: int
    group: str
    object: T


@dataclass(frozen=True, slots=True)
class Change:
    """What is no longer as it was. Where an object goes from one group to another there are two."""

    namespace: str
    group: str


class Shelf(Generic[T]):
    """`parse` makes our objects, `group` says by what they are found in their namespace."""

    def __init__(self, parse: Callable[[Raw], T], group: Callable[[T], str] = lambda _: "") -> None:
        self._parse, self._group = parse, group
        self._known: dict[Key, _Known[T]] = {}
        self._found: dict[str, dict[str, dict[str, T]]] = {}
        self._heard = 0
        """How far the watch has come."""
        self.listed = False
        self.turns = 0
        """Grows with each change."""

    def of(self, namespace: str, group: str = "") -> list[T]:
        """Those of a group, or of the whole namespace."""
        groups = self._found.get(namespace, {})
        wanted = [groups.get(group, {})] if group else groups.values()
        return [one for named in wanted for one in named.values()]

    def all(self) -> Iterable[T]:
        return (known.object for known in self._known.values())

    def put(self, raw: Raw) -> list[Change]:
        """What was answered to a write."""
        return self._take(raw) if version(raw) > self._heard else []

    def hear(self, raw: Raw, *, gone: bool = False) -> list[Change]:
        """What a watch tells next."""
        self._heard = max(self._heard, version(raw))
        return self._drop(_key(raw), version(raw)) if gone else self._take(raw)

    def pass_by(self, at: int) -> None:
        """The watch has come this far, and nothing has changed."""
        self._heard = max(self._heard, at)

    def replace(self, found: Iterable[Raw], at: int) -> list[Change]:
        """All there were at this version. Where that is of an earlier time, the cluster has begun anew."""
        changes: list[Change] = []
        if at < self._heard:
            for key in list(self._known):
                changes += self._drop(key, self._known[key].version)
        there = {_key(raw): raw for raw in found}
        for raw in there.values():
            changes += self._take(raw)
        for key in [key for key in self._known if key not in there]:
            changes += self._drop(key, at)
        self._heard, self.listed = at, True
        return changes

    def _take(self, raw: Raw) -> list[Change]:
        key, at, known = _key(raw), version(raw), self._known.get(_key(raw))
        if known and known.version >= at:
            return []
        made = self._parse(raw)
        now = self._known[key] = _Known(at, self._group(made), made)
        if known and known.object == made:
            return []
        changes = self._unfile(key, known) if known and known.group != now.group else []
        self._found.setdefault(key[0], {}).setdefault(now.group, {})[key[1]] = made
        self.turns += 1
        return [*changes, Change(key[0], now.group)]

    def _drop(self, key: Key, at: int) -> list[Change]:
        known = self._known.get(key)
        if known is None or known.version > at:
            return []
        del self._known[key]
        self.turns += 1
        return self._unfile(key, known)

    def _unfile(self, key: Key, known: _Known[T]) -> list[Change]:
        (namespace, name), groups = key, self._found[key[0]]
        del groups[known.group][name]
        if not groups[known.group]:
            del groups[known.group]
        if not groups:
            del self._found[namespace]
        return [Change(namespace, known.group)]


def _key(raw: Raw) -> Key:
    about = raw["metadata"]
    return about.get("namespace") or about["name"], about["name"]
