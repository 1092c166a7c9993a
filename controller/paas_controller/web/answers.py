"""Answers: one way to send a JSON document."""

import msgspec
from aiohttp import web

_HEADERS = {"Content-Type": "application/json; charset=utf-8"}


def answer(document: object, status: int = 200) -> web.Response:
    """The document as JSON. It may hold msgspec structs."""
    return web.Response(body=msgspec.json.encode(document), status=status, headers=_HEADERS)
