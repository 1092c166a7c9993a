"""Which role may use which route: the whole table, each way."""

import pytest
from aiohttp import web

from paas_controller.app import controller
from paas_controller.base.settings import Settings
from tests.controller.agents import Agent
from tests.controller.identity.tenants import tenants_token
from tests.controller.shell import Shell, whole

PEOPLE, WRITERS, ADMINISTRATOR, AGENT = "avo", "ao", "a", "g"
"""a administrator, o operator, v viewer, g agent."""
KINDS = [
    ("PUT", "/{kind}/{name}/check", AGENT), ("POST", "/{kind}/create", WRITERS), ("GET", "/{kind}", PEOPLE),
    ("GET", "/{kind}/status/changed/{day}", PEOPLE), ("GET", "/{kind}/{name}/status", PEOPLE),
    ("GET", "/{kind}/{name}", PEOPLE), ("PUT", "/{kind}/{name}", WRITERS), ("DELETE", "/{kind}/{name}", WRITERS),
    ("PUT", "/{kind}/{name}/running", WRITERS), ("PUT", "/{kind}/{name}/stopped", WRITERS),
    ("PUT", "/{kind}/{name}/not-installed", WRITERS), ("PUT", "/{kind}/{name}/restart", WRITERS),
    ("PUT", "/{kind}/{name}/hold", WRITERS), ("PUT", "/{kind}/{name}/release", WRITERS),
    ("GET", "/{kind}/{name}/events", PEOPLE), ("GET", "/{kind}/{name}/operations", PEOPLE),
]  # fmt: skip
APPS = [
    ("POST", "", ADMINISTRATOR), ("PATCH", "/{app}", ADMINISTRATOR), ("DELETE", "/{app}", ADMINISTRATOR),
]  # fmt: skip
THEIRS = [
    ("GET", "", PEOPLE), ("GET", "/{app}", PEOPLE), ("GET", "/{app}/usage", PEOPLE),
    ("POST", "/{app}/instances", WRITERS), ("GET", "/{app}/instances", PEOPLE),
    *((method, f"/{{app}}/instances/{{name}}{part}", may) for method, part, may in (
        ("GET", "", PEOPLE), ("DELETE", "", WRITERS), ("GET", "/pods", PEOPLE), ("GET", "/logs", PEOPLE),
        ("GET", "/events", PEOPLE), ("PUT", "/running", WRITERS), ("PUT", "/stopped", WRITERS),
        ("PUT", "/restart", WRITERS),
    )),
]  # fmt: skip
"""Of apps of either kind, where a tenant's token is let in."""
OF_COMPONENTS = [
    ("PUT", f"//api/v1/apps/{{app}}/instances/{{name}}/components/{{component}}/{word}", WRITERS)
    for word in ("running", "stopped", "restart")
]
REST = [
    ("GET", "/operations/{id}", PEOPLE), ("DELETE", "/operations/{id}", WRITERS),
    ("GET", "/operations/{id}/log", PEOPLE),
    ("POST", "/agents/report", AGENT), ("GET", "/agents/tunnel", AGENT),
    ("POST", "/agents/renew", AGENT), ("POST", "/hosts/{id}/rotate", WRITERS),
    ("POST", "/hosts/join-tokens", ADMINISTRATOR), ("GET", "/hosts", PEOPLE),
    ("POST", "/hosts", WRITERS), ("GET", "/hosts/{id}", PEOPLE), ("DELETE", "/hosts/{id}", WRITERS),
    ("PUT", "/hosts/{id}", WRITERS), ("POST", "/hosts/{id}/bootstrap", WRITERS), ("POST", "/hosts/{id}/drain", WRITERS),
    ("POST", "/hosts/{id}/upgrade", WRITERS), ("POST", "/hosts/upgrade", WRITERS),
    ("GET", "/agents/packages/{sha256}", AGENT),
    ("POST", "/tokens", ADMINISTRATOR), ("GET", "/tokens", ADMINISTRATOR), ("DELETE", "/tokens/{name}", ADMINISTRATOR),
    ("GET", "/audit", ADMINISTRATOR), ("GET", "/events", PEOPLE),
    ("POST", "//api/v1/tenants", ADMINISTRATOR), ("GET", "//api/v1/tenants", ADMINISTRATOR),
    ("DELETE", "//api/v1/tenants/{name}", ADMINISTRATOR),
    ("POST", "//api/v1/port_pools", ADMINISTRATOR), ("GET", "//api/v1/port_pools", PEOPLE),
    ("GET", "//api/v1/port_pools/{name}", PEOPLE), ("DELETE", "//api/v1/port_pools/{name}", ADMINISTRATOR),
    ("GET", "//api/v1/port_pools/{name}/free", PEOPLE), ("POST", "//api/v1/port_pools/{name}/reservations", WRITERS),
    ("DELETE", "//api/v1/port_pools/{name}/reservations/{owner}", WRITERS),
]  # fmt: skip
"""`//` begins at the root."""
TABLE = [
    (method, path.replace("{kind}", kind), may) for kind in ("database", "middleware") for method, path, may in KINDS
]
OF_APPS = [(method, f"//api/v1/{word}{path}", may) for word in ("apps", "caas_apps") for method, path, may in THEIRS]
OF_APPS += [*OF_COMPONENTS, ("GET", "//api/v1/events", PEOPLE)]
TABLE += REST + OF_APPS
TABLE += [(method, f"//api/v1/{word}{path}", may) for word in ("apps", "caas_apps") for method, path, may in APPS]
OPEN = {("POST", "/apis/v1alpha1/agents/join"), ("GET", "/healthz"), ("GET", "/readyz")}
OPEN |= {("GET", "/ca.pem"), ("GET", "/docs"), ("GET", "/docs/page.js"), ("GET", "/docs/page.css")}
ANYBODY = {("GET", "/openapi.json"), ("GET", "/metrics")}
OF_TENANTS = {("GET", "//openapi.json")} | {(method, path) for method, path, _ in OF_APPS}
"""Where a tenant's token is let in."""


def _filled(path: str) -> str:
    refused = "?name=x" if path in ("/events", "//api/v1/events") else ""  # whoever may listen would do so for ever
    return (
        path.format(
            name="nothing",
            id="nothing",
            owner="nothing",
            app="nothing",
            component="nothing",
            day="0628",
            sha256="nothing",
        )
        + refused
    )


async def test_each_route_serves_the_roles_of_the_table_and_no_other(shell: Shell, joined: Agent) -> None:
    assert joined.joined
    tokens = {"a": shell.token, "o": await shell.token_of("operator"), "v": await shell.token_of("viewer")}
    tokens["g"] = joined.joined.agent_token
    for method, path, may in TABLE:
        for role, token in tokens.items():
            status = (await shell.call(method, _filled(path), token=token)).status
            assert (status != 403) == (role in may), f"{method} {path} for {role}: {status}"
            assert status != 401


async def test_a_role_that_may_not_is_told_which_may(shell: Shell) -> None:
    refused = await shell.put("/database/db/running", token=await shell.token_of("viewer"))
    assert refused.status == 403
    assert refused.message == "a token of role viewer may not do this; it takes administrator or operator"


async def test_a_tenants_token_is_good_for_what_is_the_tenants_and_for_nothing_of_the_platform(shell: Shell) -> None:
    tokens = {role: await tenants_token(shell, role) for role in ("operator", "viewer")}
    platform = [("GET", "//metrics"), *((method, path) for method, path, _ in TABLE)]
    for method, path in platform:
        if (method, path) in OF_TENANTS:
            continue
        for role, token in tokens.items():
            refused = await shell.call(method, _filled(path), token=token)
            assert refused.status == 403, f"{method} {path}"
            assert refused.message == (
                f"shop-{role} has a token of the tenant shop: it is good for the apps below /api/v1 alone; "
                "the rest is the platform's"
            )
    for method, path in OF_TENANTS:
        assert (await shell.call(method, _filled(path), token=tokens["operator"])).status != 403


async def test_the_table_is_the_whole_of_the_api(tmp_path_factory: pytest.TempPathFactory) -> None:
    async with controller(Settings(data_dir=tmp_path_factory.mktemp("data"))) as app:
        assert isinstance(app, web.Application)
        found = {(route.method, route.resource.canonical) for route in app.router.routes() if route.resource}
    found.discard(("*", "/{path}"))  # says that there is nothing
    assert found == {(method, whole(path)) for method, path, _ in TABLE} | OPEN | ANYBODY
