"""The scripts repository under /repo/: plain files of one folder, nothing outside of it."""

from pathlib import Path

from aiohttp import web

from paas_controller.base.errors import NotFound
from paas_controller.base.principal import ANYBODY
from paas_controller.web.routing import Route


def repo_routes(folder: Path, *, open_to_all: bool) -> list[Route]:
    """GET and HEAD of files below the folder, with ranges and ETags. Links that lead out of it are not followed."""
    root = folder.resolve()

    async def serve(request: web.Request) -> web.StreamResponse:
        try:
            path = (root / request.match_info["path"]).resolve()
            found = path.is_relative_to(root) and path.is_file()
        except (OSError, ValueError):
            found = False
        if not found:
            raise NotFound(f"the repository has no {request.match_info['path']}")
        return web.FileResponse(path, chunk_size=1 << 20)

    roles = None if open_to_all else ANYBODY
    return [Route(method, "/repo/{path:.*}", serve, roles) for method in ("GET", "HEAD")]
