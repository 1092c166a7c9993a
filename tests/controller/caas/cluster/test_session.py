"""The ways to a cluster that lead nowhere, and what is said of each."""

import json
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from paas_controller.base.errors import Retryable
from paas_controller.caas.cluster import session
from paas_controller.caas.cluster.client import Cluster
from tests.controller.caas.cluster.conftest import settings
from tests.testbeds.kubernetes.cluster import Cluster as Bed
from tests.testbeds.kubernetes.credentials import make_certificates
from tests.testbeds.ports import free_port

OF = "/api/v1/namespaces"


def changed(bed: Bed, folder: Path, **cluster: Any) -> dict[str, Any]:
    """The kubeconfig of an administrator, with another way to the cluster."""
    found: dict[str, Any] = json.loads(bed.kubeconfig().read_text())
    found["clusters"][0]["cluster"] |= cluster
    (folder / "kubeconfig").write_text(json.dumps(found))
    return found


async def refused(kubeconfig: Path, context: str = "") -> str:
    """What is said when something is read with it."""
    cluster = Cluster(settings(kubeconfig, context))
    try:
        with pytest.raises(Retryable) as error:
            await cluster.get(OF)
        return error.value.message
    finally:
        await cluster.close()


async def test_what_the_controller_may_not_do_is_said(kubernetes: Bed) -> None:
    assert await refused(kubernetes.kubeconfig("nobody")) == (
        'the controller may not list resource "namespaces" in API group "" at the cluster scope in the cluster east: '
        "see to the roles of its user there"
    )


async def test_new_credentials_in_the_kubeconfig_are_taken_without_a_restart(kubernetes: Bed, tmp_path: Path) -> None:
    good = changed(kubernetes, tmp_path)
    bad = json.loads(json.dumps(good))
    bad["users"][0]["user"]["token"] = "old"
    (tmp_path / "kubeconfig").write_text(json.dumps(bad))
    cluster = Cluster(settings(tmp_path / "kubeconfig"))
    told = "^the cluster east does not know the controller's credentials: see to the user in its kubeconfig$"
    with pytest.raises(Retryable, match=told):
        await cluster.get(OF)
    (tmp_path / "kubeconfig").write_text(json.dumps(good))
    assert (await cluster.get(OF))["items"]
    await cluster.close()


async def test_a_kubeconfig_that_cannot_be_used_is_said(kubernetes: Bed, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("")
    (tmp_path / "binary").write_bytes(b"\x00\xff")
    for path in (tmp_path / "empty", tmp_path / "binary"):
        assert (await refused(path)).startswith("the kubeconfig of the cluster east cannot be used (")
    assert "other" in await refused(kubernetes.kubeconfig(), "other")
    misspelled = changed(kubernetes, tmp_path)
    misspelled["users"] = [{"name": "admin", "usr": {"token": "sesame"}}]
    (tmp_path / "kubeconfig").write_text(json.dumps(misspelled))
    told = await refused(tmp_path / "kubeconfig")
    assert "Expected key user in " in told
    assert "sesame" not in told


async def test_where_nobody_listens_the_cluster_cannot_be_reached(kubernetes: Bed, tmp_path: Path) -> None:
    changed(kubernetes, tmp_path, server=f"https://127.0.0.1:{free_port()}")
    told = "the cluster east cannot be reached (Connection refused): is its API server up?"
    assert await refused(tmp_path / "kubeconfig") == told


async def test_a_server_that_takes_no_connection_is_given_up_in_the_time_that_is_said(
    kubernetes: Bed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "_CONNECT", 0.2)
    with ExitStack() as held:
        full = held.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        held.enter_context(socket.create_connection(full.getsockname()))
        changed(kubernetes, tmp_path, server=f"https://127.0.0.1:{full.getsockname()[1]}")
        told = "the cluster east does not answer within 0.2 s: is its API server up?"
        assert await refused(tmp_path / "kubeconfig") == told


async def test_a_server_with_another_certificate_is_not_spoken_to(kubernetes: Bed, tmp_path: Path) -> None:
    make_certificates(tmp_path)
    changed(kubernetes, tmp_path, **{"certificate-authority": str(tmp_path / "ca.crt")})
    told = "TLS with the cluster east fails (certificate verify failed: "
    found = await refused(tmp_path / "kubeconfig")
    assert found.startswith(told)
    assert found.endswith("): see to the certificates in its kubeconfig")


@pytest.fixture
async def website() -> AsyncIterator[str]:
    """Says the same to everybody."""

    async def hello(_: web.Request) -> web.Response:
        return web.Response(text="<html>It works!</html>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/{any:.*}", hello)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield f"http://127.0.0.1:{port}"
    await runner.cleanup()


async def test_a_website_is_no_api_server(kubernetes: Bed, tmp_path: Path, website: str) -> None:
    changed(kubernetes, tmp_path, server=website)
    told = "what answers for the cluster east is no API server of Kubernetes: see to the server in its kubeconfig"
    assert await refused(tmp_path / "kubeconfig") == told
