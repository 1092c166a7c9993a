"""The API's document, and the page that renders it: open to all, because no browser sends a token when it opens a page.

It tells nothing without the document, for which it asks for a token.
"""

from functools import cache
from pathlib import Path

import msgspec
from aiohttp import web

from paas_controller.base.principal import ANYBODY
from paas_controller.web.openapi import openapi
from paas_controller.web.routing import Route, Said

_PAGE = Path(__file__).parent / "page"
_FILES = {"/docs": "index.html", "/docs/page.js": "page.js", "/docs/page.css": "page.css"}
_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def document_routes(routes: list[Route]) -> list[Route]:
    """/openapi.json, which tells of these routes and of its own, and /docs, which shows it in a browser."""

    @cache
    def document() -> bytes:
        return msgspec.json.encode(openapi([*routes, *own]))

    async def show(_: web.Request) -> web.Response:
        return web.Response(body=document(), content_type="application/json")

    said = Said("This document.", {200: "application/json"})
    own = [Route("GET", "/openapi.json", show, ANYBODY, said, tenants=True)]
    own += [_asset(path, _PAGE / name) for path, name in _FILES.items()]
    return own


def _asset(path: str, file: Path) -> Route:
    content, kind = file.read_bytes(), _TYPES[file.suffix]

    async def serve(_: web.Request) -> web.Response:
        return web.Response(body=content, content_type=kind, charset="utf-8", headers=_HEADERS)

    return Route("GET", path, serve, None, Said("The page that shows this document, or a part of it.", {200: kind}))
