"""The scripts repository under /repo/: plain files of one folder, nothing outside of it."""

import os
import stat
from pathlib import Path

from aiohttp import web
from aiohttp.hdrs import ETAG, IF_NONE_MATCH

from paas_controller.base.errors import NotFound, PaasError
from paas_controller.base.principal import ANYBODY
from paas_controller.web.routing import Route, Said
from paas_controller.web.schemas import InRepository

_FILE = "*/*"


class _Changed(PaasError):
    status, code = 412, "precondition-failed"


class _NoSuchPart(PaasError):
    status, code = 416, "range-not-satisfiable"


def repo_routes(folder: Path, *, open_to_all: bool) -> list[Route]:
    """GET and HEAD of files below the folder, with ranges and ETags. Links that lead out of it are not followed."""
    root = folder.resolve()

    async def serve(request: web.Request) -> web.StreamResponse:
        try:
            path = (root / request.match_info["path"]).resolve()
            found = path.stat() if path.is_relative_to(root) else None
        except (OSError, ValueError):
            found = None
        if found is None or not stat.S_ISREG(found.st_mode) or not os.access(path, os.R_OK):
            raise NotFound(f"the repository has no file {request.match_info['path']} that the controller may read")
        return _sent(request, path, found)

    roles = None if open_to_all else ANYBODY
    said = Said("A file of the scripts repository.", {200: _FILE, 206: _FILE, 304: None}, path=InRepository,
                refusals=(412, 416), takes=("Range", "If-Match", "If-None-Match"), gives=("ETag",))  # fmt: skip
    return [Route(method, "/repo/{path:.*}", serve, roles, said) for method in ("GET", "HEAD")]


def sent(request: web.Request, path: Path) -> web.StreamResponse:
    """A file, or the part of it that is asked for. NotFound where it is gone."""
    try:
        return _sent(request, path, path.stat())
    except OSError:
        raise NotFound(f"{path.name} is not there any more") from None


def _sent(request: web.Request, path: Path, found: os.stat_result) -> web.StreamResponse:
    tag = _tag(found)
    if request.headers.get(IF_NONE_MATCH) == tag:
        # What agents ask before every script; it need not wait for the thread that a file is opened in.
        return web.Response(status=304, headers={ETAG: tag})
    _require(request, found)
    return web.FileResponse(path, chunk_size=1 << 20)


def _require(request: web.Request, found: os.stat_result) -> None:
    """Refuses in the one shape of errors what FileResponse would refuse without a word."""
    tags, unless = request.if_match, request.if_unmodified_since
    if tags is not None:
        same = any(tag.value in ("*", _tag(found).strip('"')) and not tag.is_weak for tag in tags)
    else:
        same = unless is None or found.st_mtime <= unless.timestamp()
    if not same:
        raise _Changed("the file is another one by now; fetch it without If-Match and If-Unmodified-Since")
    if request.if_range is None or found.st_mtime <= request.if_range.timestamp():
        _require_part(request, found.st_size)


def _require_part(request: web.Request, size: int) -> None:
    try:
        start = request.http_range.start
    except ValueError:
        raise _NoSuchPart("Range takes one part of the file, as in bytes=1000- or bytes=0-999") from None
    if start is not None and (start >= size or not size):
        raise _NoSuchPart(f"the file is {size} bytes long, and the part begins behind its end")


def _tag(found: os.stat_result) -> str:
    return f'"{found.st_mtime_ns:x}-{found.st_size:x}"'  # as FileResponse writes it
