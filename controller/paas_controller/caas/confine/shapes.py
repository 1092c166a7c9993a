"""Shapes of JSON. A shape takes any value and gives back what is allowed of it, or says at its path what is wrong.

None is both JSON's null and "leave it out": Kubernetes makes no difference between a key that is null and none.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from paas_controller.base.errors import Refused

_MOST_FAULTS = 50
_LONGEST_KEY = 60


@dataclass(frozen=True, slots=True)
class At:
    """A place in a document, and all that was found to be wrong in the whole of it."""

    path: str
    faults: list[str] = field(default_factory=list)

    def __truediv__(self, key: str | int) -> "At":
        return At(f"{self.path}.{_shown(str(key))}", self.faults)

    def says(self, sentence: str) -> Any:
        """Something is wrong here, and nothing is left of it. Beyond fifty it is not told any more."""
        if len(self.faults) < _MOST_FAULTS:
            self.faults.append(f"{self.path}: {sentence}")

    def refuse_faults(self) -> None:
        """Refused with everything that is wrong, if anything is."""
        if not self.faults:
            return
        told = self.faults[0] if len(self.faults) == 1 else f"{len(self.faults)} things in the template are refused"
        raise Refused(told, list(self.faults))


Shape = Callable[[object, At], Any]


def _shown(key: str) -> str:
    """A key as it can stand in a sentence, whatever was sent."""
    shown = key if key.isprintable() else ascii(key)[1:-1]
    return shown if len(shown) <= _LONGEST_KEY else f"{shown[:_LONGEST_KEY]}…"


def text(most: int = 4096) -> Shape:
    """A string that any program can be handed."""

    def shape(value: object, at: At) -> Any:
        if not isinstance(value, str):
            return at.says("has to be a text")
        if len(value) > most:
            return at.says(f"is longer than {most} characters")
        if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
            return at.says("has letters in it that no text may have")
        return value

    return shape


def matching(pattern: re.Pattern[str], told: str, most: int = 253) -> Shape:
    """A text of a form; `told` says which."""
    plain = text(most)

    def shape(value: object, at: At) -> Any:
        kept = plain(value, at)
        if kept is None or pattern.fullmatch(kept):
            return kept
        return at.says(f"has to be {told}")

    return shape


def whole(low: int, high: int) -> Shape:
    """A whole number of a range."""

    def shape(value: object, at: At) -> Any:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            return at.says(f"has to be a whole number from {low} to {high}")
        return value

    return shape


def flag(value: object, at: At) -> Any:
    """True or false."""
    return value if isinstance(value, bool) else at.says("has to be true or false")


def one_of(*allowed: str, why: str = "") -> Shape:
    """One of these words; `why` says why no other one may stand there."""

    def shape(value: object, at: At) -> Any:
        if isinstance(value, str) and value in allowed:
            return value
        return at.says(f"has to be {' or '.join(allowed)}{f': {why}' if why else ''}")

    return shape


def refused(why: str) -> Shape:
    """Nothing may stand here but what means nothing: false, 0, or empty. It is left out."""

    def shape(value: object, at: At) -> Any:
        return at.says(why) if value else None

    return shape


def listing(item: Shape, most: int) -> Shape:
    """A list of at most so many."""

    def shape(value: object, at: At) -> Any:
        if not isinstance(value, list):
            return at.says("has to be a list")
        if len(value) > most:
            return at.says(f"has more than {most} entries")
        kept = (item(child, at / place) for place, child in enumerate(value))
        return [child for child in kept if child is not None]

    return shape


def record(fields: Mapping[str, Shape], required: tuple[str, ...] = ()) -> Shape:
    """An object with no other keys than these."""

    def shape(value: object, at: At) -> Any:
        if not isinstance(value, dict):
            return at.says("has to be an object")
        for key in required:
            if value.get(key) is None:
                (at / key).says("is missing")
        kept = {key: _child(fields, str(key), child, at) for key, child in value.items() if child is not None}
        return {key: child for key, child in kept.items() if child is not None}

    return shape


def _child(fields: Mapping[str, Shape], key: str, child: object, at: At) -> Any:
    if shape := fields.get(key):
        return shape(child, at / key)
    return (at / key).says("is not for a template to say, or no such key")


def choice(fields: Mapping[str, Shape], common: Mapping[str, Shape], told: str) -> Shape:
    """An object with exactly one of `fields`, and any of `common`."""
    plain = record({**fields, **common})

    def shape(value: object, at: At) -> Any:
        before = len(at.faults)
        kept = plain(value, at)
        if kept is not None and len(at.faults) == before and len(kept.keys() & fields.keys()) != 1:
            return at.says(f"has to have exactly one of {told}")
        return kept

    return shape


def mapping(key: Shape, child: Shape, most: int) -> Shape:
    """An object whose keys are free to choose, within a shape."""

    def shape(value: object, at: At) -> Any:
        if not isinstance(value, dict):
            return at.says("has to be an object")
        if len(value) > most:
            return at.says(f"has more than {most} entries")
        kept = {name: child(one, at / name) for name, one in value.items() if key(name, at / name) is not None}
        return {name: one for name, one in kept.items() if one is not None}

    return shape
