"""Query parameters, read strictly: a wrong one is an Invalid that says what it takes."""

from collections.abc import Collection

from aiohttp import web

from paas_controller.base.errors import Invalid


def flag(request: web.Request, name: str) -> bool:
    """`true` or `false`; absent is false."""
    value = request.query.get(name, "false")
    if value not in ("true", "false"):
        raise Invalid(f"{name} is true or false, not {value!r}")
    return value == "true"


def number(request: web.Request, name: str, default: int, highest: int) -> int:
    """A whole number from 0 to `highest`."""
    value = request.query.get(name)
    if value is None:
        return default
    if not (value.isascii() and value.isdecimal() and len(value) < 20 and int(value) <= highest):
        raise Invalid(f"{name} is a whole number from 0 to {highest}, not {value!r}")
    return int(value)


def choice(request: web.Request, name: str, known: Collection[str]) -> str:
    """One of these words; absent is empty."""
    value = request.query.get(name, "")
    if value and value not in known:
        raise Invalid(f"{name} is one of {', '.join(known)}, not {value!r}")
    return value
