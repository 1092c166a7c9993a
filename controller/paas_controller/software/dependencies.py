"""What instances depend on each other: it has to exist, and must not go round in a circle. Pure."""

from collections.abc import Callable, Sequence

from paas_controller.base.errors import Refused
from paas_controller.software.instances import Instance, Name

Find = Callable[[str, str], Instance | None]


def require_sound(name: Name, depends_on: Sequence[Name], find: Find) -> None:
    """Refused where something does not exist, or where the way from `name` leads back to it."""
    for wanted in depends_on:
        if wanted != name and find(*wanted) is None:
            raise Refused(f"depends_on: {'/'.join(wanted)} does not exist; create it first")
    if circle := _way_back(name, depends_on, find):
        way = " → ".join("/".join(step) for step in (name, *circle))
        raise Refused(f"depends_on: this goes round in a circle: {way}")


def _way_back(name: Name, depends_on: Sequence[Name], find: Find) -> list[Name]:
    ways = [[wanted] for wanted in depends_on]
    seen: set[Name] = set()
    while ways:
        way = ways.pop()
        if way[-1] == name:
            return way
        if way[-1] in seen:
            continue
        seen.add(way[-1])
        instance = find(*way[-1])
        ways += [[*way, further] for further in (instance.depends_on if instance else ())]
    return []
