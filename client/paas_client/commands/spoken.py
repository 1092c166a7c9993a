"""The controller speaks HTTP to portals; what it refuses is told to a person in options and commands of paasctl."""

import re

_QUERY = re.compile(r"\??\b(uninstall|orphan|apply|removed)=([a-z]+)")
_HEADER = re.compile(r" \(If-Match[^)]*\)")
_READ = re.compile(r"\bGET (database|middleware)/(\S+)")


def spoken(sentence: str) -> str:
    """The sentence with its HTTP words as options and commands."""
    return _READ.sub(r"paasctl \1 show \2", _HEADER.sub("", _QUERY.sub(_option, sentence)))


def _option(found: re.Match[str]) -> str:
    key, value = found[1], found[2]
    if key == "apply":
        return f"--{value}"
    return f"--{key}" if value == "true" else f"--{key} {value}"
