"""Answers: one way to send a JSON document."""

from collections.abc import Mapping, Sequence

import msgspec
from aiohttp import web

_HEADERS = {"Content-Type": "application/json; charset=utf-8"}


def answer(document: object, status: int = 200) -> web.Response:
    """The document as JSON. It may hold msgspec structs."""
    return web.Response(body=msgspec.json.encode(document), status=status, headers=_HEADERS)


def rehearsed(steps: Sequence[Mapping[str, str]], status: Mapping[str, str] | None = None) -> web.Response:
    """The answer to a dry run: what would be done, each step with host, action and why."""
    return answer({"dry_run": True, "steps": list(steps), "status": status})


def would(action: str, host: str = "", why: str = "") -> web.Response:
    """The answer to a dry run of one step."""
    return rehearsed([{"host": host, "action": action, "why": why}])
