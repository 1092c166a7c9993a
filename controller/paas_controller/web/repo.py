"""The scripts repository under /repo/: plain files of one folder, nothing outside of it."""

import stat
from pathlib import Path

from aiohttp import web
from aiohttp.hdrs import ETAG, IF_NONE_MATCH

from paas_controller.base.errors import NotFound
from paas_controller.base.principal import ANYBODY
from paas_controller.web.routing import Route, Said


def repo_routes(folder: Path, *, open_to_all: bool) -> list[Route]:
    """GET and HEAD of files below the folder, with ranges and ETags. Links that lead out of it are not followed."""
    root = folder.resolve()

    async def serve(request: web.Request) -> web.StreamResponse:
        try:
            path = (root / request.match_info["path"]).resolve()
            found = path.stat() if path.is_relative_to(root) else None
        except (OSError, ValueError):
            found = None
        if found is None or not stat.S_ISREG(found.st_mode):
            raise NotFound(f"the repository has no {request.match_info['path']}")
        tag = f'"{found.st_mtime_ns:x}-{found.st_size:x}"'  # as FileResponse writes it
        if request.headers.get(IF_NONE_MATCH) == tag:
            # What agents ask before every script; it need not wait for the thread that a file is opened in.
            return web.Response(status=304, headers={ETAG: tag})
        return web.FileResponse(path, chunk_size=1 << 20)

    roles = None if open_to_all else ANYBODY
    said = Said("A file of the scripts repository.", {200: "application/octet-stream", 206: "application/octet-stream"})
    return [Route(method, "/repo/{path:.*}", serve, roles, said) for method in ("GET", "HEAD")]
