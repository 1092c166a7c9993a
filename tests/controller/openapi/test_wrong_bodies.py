"""Each field of each body wrong in turn, by what the document says: a 4xx that names it, and nothing changes."""

from typing import Any

import pytest

from tests.controller.agents import Agent
from tests.controller.openapi.wrong import Bodies
from tests.controller.shell import API, Shell, whole

Document = dict[str, Any]
BODIES = [
    ("post", "/database/create"), ("post", "/middleware/create"), ("put", "/database/{name}"),
    ("put", "/middleware/{name}"), ("put", "/database/{name}/check"), ("put", "/middleware/{name}/check"),
    ("post", "/hosts"), ("put", "/hosts/{id}"), ("post", "/hosts/{id}/drain"),
    ("post", "/hosts/{id}/bootstrap"), ("post", "/tokens"), ("post", "/agents/report"), ("post", "/agents/join"),
    ("post", "/agents/renew"), ("post", "/hosts/upgrade"), ("post", "//api/v1/tenants"),
    ("post", "//api/v1/port_pools"), ("post", "//api/v1/port_pools/{name}/reservations"),
    ("post", "//api/v1/apps"), ("patch", "//api/v1/apps/{app}"), ("post", "//api/v1/apps/{app}/instances"),
    ("post", "//api/v1/caas_apps"), ("patch", "//api/v1/caas_apps/{app}"),
    ("post", "//api/v1/caas_apps/{app}/instances"),
]  # fmt: skip
NAME = "redis-1"


async def document(shell: Shell) -> Document:
    return dict((await shell.get("//openapi.json")).body)


async def everything(shell: Shell) -> list[Any]:
    """All that a body could change."""
    paths = ["/database", "/middleware", "/hosts", "/tokens", "//api/v1/tenants", "//api/v1/port_pools"]
    paths += ["//api/v1/apps", "//api/v1/caas_apps"]
    for kind in ("database", "middleware"):
        paths += [f"/{kind}/{NAME}{part}" for part in ("", "/events", "/operations")]
    return [(await shell.get(path)).body for path in paths]


def last_name(place: str) -> str:
    return next((key for key in reversed(place.split(".")) if not key.isdecimal()), "")


@pytest.mark.parametrize(("method", "path"), BODIES)
async def test_each_field_wrong_in_turn_is_refused_by_name_and_changes_nothing(
    shell: Shell, joined: Agent, method: str, path: str
) -> None:
    assert joined.joined
    of_agents = "agents" in path or path.endswith("/check")
    token = joined.joined.agent_token if of_agents else shell.token
    for kind in ("database", "middleware"):
        await shell.create(joined.host, name=NAME, kind=kind)
    known = await document(shell)
    schema = known["paths"][whole(path)][method]["requestBody"]["content"]["application/json"]["schema"]
    bodies, before, tried = Bodies(known), await everything(shell), 0
    for wrong in bodies.wrong(schema, bodies.sound(schema)):
        answer = await shell.call(
            method.upper(), path.format(name=NAME, app=NAME, id=joined.host), wrong.body, token=token
        )
        told = f"{wrong.place} = {str(wrong.value)[:80]!r}: {answer.status} {answer.body}"
        assert 400 <= answer.status < 500, told
        if path != "/agents/join":  # whose token is not known learns nothing of the body
            assert answer.status == 400, told
            assert last_name(wrong.place) in str(answer.body["error"]["details"] or answer.message), told
        tried += 1
    assert tried > 10
    assert await everything(shell) == before


async def test_every_body_of_the_document_is_tried(shell: Shell) -> None:
    known = await document(shell)
    found = {
        (method, path)
        for path, methods in known["paths"].items()
        for method, operation in methods.items()
        if "requestBody" in operation
    }
    assert found == {(method, whole(path)) for method, path in BODIES}


async def test_a_body_made_of_the_documents_examples_is_taken(shell: Shell) -> None:
    known = await document(shell)
    for path in ("/database/create", "/middleware/create", "/hosts"):
        schema = known["paths"][API + path]["post"]["requestBody"]["content"]["application/json"]["schema"]
        created = await shell.post(path, Bodies(known).sound(schema) | ({"ip": "db2"} if path == "/hosts" else {}))
        assert created.status == 201, created.body
