"""A cluster that does not answer, or refuses: each route says so in a sentence, and none with a 500."""

import asyncio
import logging
import time
from contextlib import AbstractContextManager
from typing import Any

import pytest
from kubernetes.client import CoreV1Api

from paas_controller.caas import reading, settling
from tests.controller.caas.conftest import DEADLINE, Portal, component
from tests.controller.caas.test_caas import body
from tests.controller.shell import Answer, Shell

READ = ["", "/usage", "/instances", "/instances/web", "/instances/web/pods"]
"""What is answered from memory."""
ASKED: list[tuple[str, str, Any]] = [
    ("PATCH", "", {"memory_units": 9}), ("GET", "/instances/web/logs", None), ("GET", "/instances/web/events", None),
    ("GET", "/instances/web/logs?follow=true", None),
    ("POST", "/instances", {"kind": "AppInstance", "name": "new", "components": [component(ports=[80])]}),
    ("PUT", "/instances/web/stopped", None), ("PUT", "/instances/web/restart", None),
    ("PUT", "/instances/web/components/web/running", None),
]  # fmt: skip
"""What the cluster has to be asked for."""


def away(portal: Portal, how: str) -> AbstractContextManager[None]:
    return portal.cluster.paused() if how == "paused" else portal.cluster.away()


async def all_at_once(portal: Portal) -> list[Answer]:
    asked = [portal.call(*each) for each in ASKED]
    new = {"name": f"{portal.app}-new", "memory_units": 1}
    return list(await asyncio.gather(*asked, portal.shell.post("//api/v1/apps", new)))


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("how", ["paused", "killed"])
async def test_a_cluster_that_does_not_answer_is_told_of_as_such(
    portal: Portal, how: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(settling, "_PATIENCE", 30.0)  # nobody waits for that, once an attempt has failed
    await portal.create()
    await portal.put_in("web", component())
    await portal.becomes("web", "web", "running")
    with away(portal, how):
        for answer in await all_at_once(portal):
            assert (answer.status, answer.headers["Retry-After"] >= "1") == (503, True), answer.body
            assert "the cluster main" in answer.message
            assert "is its API server up?" in answer.message
        assert [(await portal.call("GET", path)).status for path in READ] == [200] * len(READ)
        assert (await portal.call("GET", "/instances/web")).body["phase"] == "there"
        begun = time.monotonic()
        gone = await portal.call("DELETE", "/instances/web")
        assert (gone.status, "the cluster main" in gone.body["msg"]) == (202, True)
        assert time.monotonic() - begun < 2 * DEADLINE
        assert f"app {portal.app}, instance web, goes, but: the cluster main " in caplog.text
    for path in ("/instances/new", "/instances/web"):
        await portal.is_gone(path)
    assert (await portal.call("GET", "/usage")).body["ports"] == []
    assert (await portal.call("GET")).body["memory_units"] == 5
    await portal.put_in("web", component(ports=[80]))
    await portal.becomes("web", "web", "running")
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_a_log_that_cannot_be_followed_is_refused_before_it_begins(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    await portal.create()
    await portal.put_in("web", component())
    await portal.becomes("web", "web", "running")
    for query in ("", "&follow=true"):
        refused = await portal.call("GET", f"/instances/web/logs?container=nope{query}")
        assert (refused.status, "has no container nope" in refused.message) == (404, True), refused.message
        refused = await portal.call("GET", f"/instances/web/logs?component=nope{query}")
        assert (refused.status, refused.message) == (404, "web has no component nope; it has web")
    monkeypatch.setattr(reading, "FOLLOWERS", 0)
    refused = await portal.call("GET", "/instances/web/logs?follow=true")
    assert (refused.status, refused.headers["Retry-After"]) == (503, "5")


async def test_what_the_cluster_refuses_is_refused_with_its_field(caas: Portal) -> None:
    made = (await caas.create()).body
    container = {"image": "web:1", "volumeMounts": 2 * [{"name": "v", "mountPath": "/x"}]}
    spec = {"containers": [container], "volumes": [{"name": "v", "emptyDir": {}}]}
    template = {"spec": {"template": {"spec": spec}}}
    refused = await caas.call("POST", "/instances", body("lost", rc_template=template))
    assert refused.status == 422, refused.body
    details = str(refused.body["error"]["details"])
    assert "containers[0].volumeMounts[1].mountPath: Invalid value" in details, refused.body
    await caas.is_gone("/instances/lost")
    with caas.cluster.client() as client:
        core = CoreV1Api(client)
        limit: Any = {"metadata": {"name": "few"}, "spec": {"hard": {"count/replicationcontrollers": "0"}}}
        core.create_namespaced_resource_quota(made["namespace"], limit)
        told: list[Answer] = []
        async with asyncio.timeout(20):
            while not told or told[-1].status == 201:
                told.append(await caas.call("POST", "/instances", body(f"one-more-{len(told)}")))
    assert (told[-1].status, "exceeded quota: few" in told[-1].message) == (403, True), told[-1].body


async def test_without_a_cluster_apps_are_refused_with_what_to_do_and_lists_are_empty(shell: Shell) -> None:
    for kind in ("apps", "caas_apps"):
        refused = await shell.post(f"//api/v1/{kind}", {"name": "shop", "memory_units": 5})
        assert (refused.status, refused.message) == (
            422, "this controller has no Kubernetes cluster: name one in its settings, under [[clusters]]",
        )  # fmt: skip
        assert (await shell.get(f"//api/v1/{kind}")).body == {"items": [], "next": None}
        assert (await shell.get(f"//api/v1/{kind}/shop")).status == 404
        instance = {"kind": "AppInstance", "name": "web", "components": [component()]}
        wanted = instance if kind == "apps" else body("web")
        assert (await shell.post(f"//api/v1/{kind}/shop/instances", wanted)).status == 404


async def test_an_app_whose_cluster_is_no_longer_in_the_settings_is_shown_and_told_why(
    portal: Portal, caplog: pytest.LogCaptureFixture
) -> None:
    await portal.create()
    await portal.put_in("web", component(ports=[80]))
    shell, clusters = portal.shell, portal.shell.settings["clusters"]
    shell.settings["clusters"] = ()
    await shell.restart()
    shown = (await shell.get("//api/v1/apps")).body["items"][0]
    assert (shown["name"], "cluster" in shown["why"], "settings" in shown["why"]) == (portal.app, True, True)
    told = "the cluster main has not been read yet: there is no cluster main in the settings"
    for path in ("/usage", "/instances/web/pods", "/instances/web/logs", "/instances/web/events"):
        refused = await portal.call("GET", path)
        assert (refused.status, refused.message) == (503, told)
    web = (await portal.call("GET", "/instances/web")).body
    assert (web["state"], web["why"]) == ("unknow", told)
    for method, path, document in ASKED:
        refused = await portal.call(method, path, document)
        assert refused.status == 503, (path, refused.body)
    for path in ("", "/instances/web"):
        refused = await portal.call("DELETE", path)
        assert (refused.status, refused.message) == (503,
            "the cluster main is no longer in the settings: put it back there; deleting an app with ?orphan=true "
            "forgets it here, and leaves what the cluster has",
        )  # fmt: skip
    shell.settings["clusters"] = clusters
    await shell.restart()
    assert (await portal.becomes("web", "web", "running"))["ports"]
    refused = await portal.call("DELETE", "?orphan=true")
    assert (refused.status, "delete without ?orphan=true" in refused.message) == (409, True)
    await _is_left_in_its_cluster(portal)
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


async def _is_left_in_its_cluster(portal: Portal) -> None:
    """The app is forgotten with all its ports; the cluster keeps what it has."""
    namespace = (await portal.call("GET")).body["namespace"]
    portal.shell.settings["clusters"] = ()
    await portal.shell.restart()
    steps = (await portal.call("DELETE", "?orphan=true&dry_run=true")).body["steps"]
    assert [step["action"] for step in steps] == ["forget a namespace"]
    forgotten = await portal.call("DELETE", "?orphan=true")
    assert (forgotten.status, forgotten.body["msg"], (await portal.call("GET")).status) == (200, "gone", 404)
    ports = (await portal.shell.get("//api/v1/port_pools/main")).body["ports"]
    assert [each for each in ports if each["state"] != "foreign"] == []  # the test before may still have one there
    with portal.cluster.client() as client:
        core = CoreV1Api(client)
        assert [each.metadata.name for each in core.list_namespaced_service(namespace).items] == ["web-web"]
        core.delete_namespace(namespace)
