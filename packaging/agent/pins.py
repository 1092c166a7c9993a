"""pins.py NAME…: the pins of all that these need, the agent or others, as constraints.txt has them, with hashes."""

import re
import sys
import tomllib
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement

_ROOT = Path(__file__).parents[2]
_THERE = {"python_version": "3.11", "python_full_version": "3.11.2"}
"""The Python that the agent is frozen with, whichever this is."""


def pins(*names: str) -> dict[str, str]:
    """By name, the lines of the file for each."""
    lines = re.findall(r"^\S+==(?:.+\\\n)*.+\n", (_ROOT / "constraints.txt").read_text(), re.MULTILINE)
    known = {text.partition("==")[0]: text for text in lines}
    found: dict[str, str] = {}
    due = list(names)
    while due:
        name = re.sub(r"[-_.]+", "-", due.pop()).lower()
        if name not in found:
            found[name] = known.get(name, "")
            due += needs(name)
    return {name: text for name, text in sorted(found.items()) if text}


def needs(name: str) -> list[str]:
    """What it asks for itself, without extras. The agent is asked here, since what is installed may be older."""
    own = _ROOT / "agent" / "pyproject.toml"
    lines = tomllib.loads(own.read_text())["project"]["dependencies"] if name == "paas-agent" else requires(name)
    asked = [Requirement(line) for line in lines or []]
    return [each.name for each in asked if each.marker is None or each.marker.evaluate({**_THERE, "extra": ""})]


if __name__ == "__main__":
    print(*pins(*sys.argv[1:]).values(), sep="", end="")
