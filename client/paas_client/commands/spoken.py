"""The controller speaks HTTP to portals; the sentences that a person reads name commands of paasctl instead."""

import re

_WISH = re.compile(
    r"\bPUT (?:[^\s]*?(?P<kind>database|middleware)/(?P<name>[^/\s]+)/|[^\s]*/)?"
    r"(?P<wish>running|stopped|not-installed|restart|hold|release)\b"
)
_QUERY = re.compile(r"\??\b(uninstall|orphan|apply|removed)=([a-z]+)")
_HEADER = re.compile(r" \(If-Match[^)]*\)")


def spoken(sentence: str, kind: str, name: str = "NAME") -> str:
    """The sentence with its HTTP words as commands about this instance, where it names none itself."""

    def command(found: re.Match[str]) -> str:
        wish = "uninstall" if found["wish"] == "not-installed" else found["wish"]
        return f"paasctl {found['kind'] or kind} {wish} {found['name'] or name}"

    words = _HEADER.sub("", _QUERY.sub(_option, _WISH.sub(command, sentence)))
    return re.sub(r"\bDELETE\b", "delete", words)


def _option(found: re.Match[str]) -> str:
    key, value = found[1], found[2]
    if key == "apply":
        return f"--{value}"
    return f"--{key}" if value == "true" else f"--{key} {value}"
