"""Tenants: what is another one's is not there."""

from typing import Any

import pytest

from tests.controller.caas.conftest import Portal, component
from tests.controller.caas.test_caas import body
from tests.controller.identity.tenants import TENANTS, tenants_token
from tests.controller.shell import Answer, Shell

PLATFORMS = {("patch", "{app}"), ("delete", "{app}")}
"""What no tenant may do to any app."""
Call = tuple[str, str]


async def routes_of_apps(shell: Shell, kind: str) -> list[Call]:
    """Method and path of each, as the API's document has them."""
    paths: dict[str, dict[str, Any]] = (await shell.get("//openapi.json")).body["paths"]
    found = [(method, path) for path, methods in paths.items() for method in methods if method != "parameters"]
    return [(method, path) for method, path in found if path.startswith(f"/api/v1/{kind}/{{app}}")]


async def call(portal: Portal, route: Call, app: str, token: str) -> Answer:
    method, path = route
    path = path.format(app=app, name="web", component="web")
    document = None
    if method == "post":
        parts = {"kind": "AppInstance", "name": "web", "components": [component()]}
        document = body("web") if portal.kind == "caas_apps" else parts
    return await portal.shell.call(method.upper(), f"/{path}", document, token=token)


@pytest.fixture(params=["apps", "caas_apps"])
async def theirs(request: pytest.FixtureRequest, portal: Portal, caas: Portal) -> Portal:
    """An app of the tenant acme, with an instance, of each kind."""
    theirs = portal if request.param == "apps" else caas
    await theirs.shell.post(TENANTS, {"name": "acme"})
    assert (await theirs.create(tenant="acme")).status == 201
    document = body("web") if theirs is caas else None
    made = await theirs.call("POST", "/instances", document) if document else await theirs.put_in("web", component())
    assert made.status == 201, made.body
    return theirs


async def test_what_is_another_tenants_is_not_there_on_any_route(theirs: Portal) -> None:
    token = await tenants_token(theirs.shell, "operator", "other")
    routes = await routes_of_apps(theirs.shell, theirs.kind)
    assert len(routes) >= 14
    for route in routes:
        refused = await call(theirs, route, theirs.app, token)
        nowhere = await call(theirs, route, "nowhere", token)
        is_platforms = (route[0], route[1].rpartition("/")[2]) in PLATFORMS
        assert refused.status == nowhere.status == (403 if is_platforms else 404), route
        assert refused.message == nowhere.message.replace("nowhere", theirs.app)
    assert (await theirs.call("GET", "/instances/web")).status == 200


async def test_lists_show_a_tenant_its_own_alone(theirs: Portal) -> None:
    for tenant, seen in (("acme", [theirs.app]), ("other", [])):
        token = await tenants_token(theirs.shell, "viewer", tenant)
        listed = (await theirs.shell.call("GET", f"//api/v1/{theirs.kind}", token=token)).body["items"]
        assert [app["name"] for app in listed] == seen


async def test_a_tenants_operator_makes_instances_and_no_apps(portal: Portal) -> None:
    operator = await tenants_token(portal.shell, "operator", "acme")
    document = {"name": portal.app, "memory_units": 5}
    refused = await portal.shell.call("POST", "//api/v1/apps", document, token=operator)
    assert refused.status == 403
    await portal.create(tenant="acme")
    parts = {"kind": "AppInstance", "name": "web", "components": [component()]}
    assert (await portal.call("POST", "/instances", parts, token=operator)).status == 201
    assert (await portal.call("PUT", "/instances/web/stopped", token=operator)).status == 202
    assert (await portal.call("DELETE", "/instances/web", token=operator)).status in (200, 202)
    for method, changes in (("PATCH", {"memory_units": 9}), ("DELETE", None)):
        assert (await portal.call(method, "", changes, token=operator)).status == 403
    assert (await portal.call("GET")).body["memory_units"] == 5


async def test_a_tenants_viewer_reads_and_changes_nothing(theirs: Portal) -> None:
    token = await tenants_token(theirs.shell, "viewer", "acme")
    await theirs.becomes("web", (await theirs.call("GET", "/instances/web")).body["components"][0]["name"], "running")
    for route in await routes_of_apps(theirs.shell, theirs.kind):
        answered = await call(theirs, route, theirs.app, token)
        assert answered.status == (200 if route[0] == "get" else 403), (route, answered.body)
