"""pins.py NAME…: the pins of all that these need, ours or others, as constraints.txt has them, with hashes."""

import re
import sys
import tomllib
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement

_ROOT = Path(__file__).parents[2]
_THERE = {"python_version": "3.11", "python_full_version": "3.11.2"}
"""The Python that they are for, whichever this is."""
_OURS = {f"paas-{folder}": _ROOT / folder / "pyproject.toml" for folder in ("agent", "controller", "client")}


def pins(*names: str) -> dict[str, str]:
    """By name, the lines of the file for each."""
    lines = re.findall(r"^\S+==(?:.+\\\n)*.+\n", (_ROOT / "constraints.txt").read_text(), re.MULTILINE)
    known = {text.partition("==")[0]: text for text in lines}
    found: dict[str, str] = {}
    looked_at = set()
    due = [Requirement(name) for name in names]
    while due:
        asked = due.pop()
        if str(asked) not in looked_at:
            looked_at.add(str(asked))
            name = re.sub(r"[-_.]+", "-", asked.name).lower()
            found[name] = known.get(name, "")
            due += needs(name, asked.extras)
    return {name: text for name, text in sorted(found.items()) if text}


def needs(name: str, extras: set[str]) -> list[Requirement]:
    """What it asks for itself, and for these extras. Ours are asked here, since what is installed may be older."""
    own = _OURS.get(name)
    lines = tomllib.loads(own.read_text())["project"]["dependencies"] if own else requires(name)
    wanted = [{**_THERE, "extra": extra} for extra in (extras or {""})]
    asked = [Requirement(line) for line in lines or []]
    return [one for one in asked if one.marker is None or any(map(one.marker.evaluate, wanted))]


if __name__ == "__main__":
    print(*pins(*sys.argv[1:]).values(), sep="", end="")
