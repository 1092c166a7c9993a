"""Answers: one way to send a JSON document."""

import msgspec
from aiohttp import web


def answer(document: object, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """The document as JSON. It may hold msgspec structs."""
    body = msgspec.json.encode(document)
    return web.Response(body=body, status=status, headers=headers, content_type="application/json", charset="utf-8")
