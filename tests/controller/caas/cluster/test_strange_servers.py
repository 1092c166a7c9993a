"""Watches of what only looks like an API server, or stands before one."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml
from aiohttp import web

from paas_controller.caas.cluster.client import Cluster
from paas_controller.caas.cluster.watching import KINDS
from tests.controller.caas.cluster.conftest import Watched, settings
from tests.testbeds.ports import free_port


class Strange:
    """Lists what it is given, and ends every watch after what it says there."""

    def __init__(self) -> None:
        self.items: list[object] = []
        self.says = b""
        self.lists = 0

    async def answer(self, request: web.Request) -> web.Response:
        if "watch" in request.query:
            return web.Response(body=self.says)
        self.lists += 1
        return web.json_response({"metadata": {"resourceVersion": "7"}, "items": self.items})


@pytest.fixture
async def strange(tmp_path: Path) -> AsyncIterator[Strange]:
    made, app, port = Strange(), web.Application(), free_port()
    app.router.add_get("/{any:.*}", made.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    found = {"clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}], "current-context": "c"}
    found |= {
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": {}}],
    }
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(found))
    yield made
    await runner.cleanup()


@pytest.fixture
async def seen(strange: Strange, tmp_path: Path) -> AsyncIterator[Watched]:
    client = Cluster(settings(tmp_path / "kubeconfig"))
    made = Watched(client)
    yield made
    await made.end()
    await client.close()


async def test_one_that_ends_its_watches_at_once_is_not_asked_for_ever(strange: Strange, seen: Watched) -> None:
    told = "the cluster east ends its watches at once: what stands before it?"
    await seen.until(lambda mirror: mirror.fresh and mirror.trouble == told)
    assert strange.lists == len(KINDS)  # it goes on from where it was


async def test_one_that_has_forgotten_is_listed_again(strange: Strange, seen: Watched) -> None:
    strange.says = b'{"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired"}}\n'
    await seen.until(lambda _: strange.lists >= 12)


async def test_what_nobody_can_read_ends_no_watch(
    strange: Strange, seen: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    strange.items = [{"metadata": {"name": "x", "resourceVersion": "x"}}]
    await seen.until(lambda mirror: mirror.trouble == "what it says cannot be read (ValueError)")
    strange.items = []
    await seen.until(lambda mirror: mirror.fresh)
    assert "watch of" in caplog.text


async def test_half_a_line_is_no_news(strange: Strange, seen: Watched) -> None:
    strange.says = b'{"type": "MODIF'
    await seen.until(lambda mirror: mirror.trouble.startswith("what it says cannot be read"))
    assert not seen.task.done()
