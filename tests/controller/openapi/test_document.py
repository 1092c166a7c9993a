"""The API's document: every route is in it, and it is what OpenAPI 3.1 asks for."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web
from openapi_spec_validator import validate

from paas_controller.app import controller
from paas_controller.base.principal import ANYBODY, WRITERS
from paas_controller.base.settings import Settings
from paas_controller.web.openapi import openapi
from paas_controller.web.routing import Route, Said
from paas_controller.web.schemas import Error
from tests.controller.agents import Agent
from tests.controller.openapi.document import Judge
from tests.controller.shell import Shell

Document = dict[str, Any]


@pytest.fixture
async def document(shell: Shell) -> Document:
    answer = await shell.get("//openapi.json")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    return dict(answer.body)


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


async def test_the_document_is_a_valid_openapi_3_1(document: Document) -> None:
    assert document["openapi"] == "3.1.0"
    validate(document)


async def test_every_route_is_in_the_document(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    repo.mkdir()
    settings = Settings(data_dir=tmp_path / "data", repo_dir=repo)
    async with controller(settings) as app:
        assert isinstance(app, web.Application)
        routes = {(route.method, route.resource.canonical) for route in app.router.routes() if route.resource}
    routes.discard(("*", "/{path}"))  # says that there is nothing
    shell = Shell(tmp_path / "data", settings={"repo_dir": repo})
    await shell.start()
    told = {(method, path) for method, path, _ in operations((await shell.get("//openapi.json")).body)}
    await shell.stop()
    assert told == routes


async def test_any_role_may_read_it(shell: Shell, joined: Agent) -> None:
    assert joined.joined
    for token in (await shell.token_of("viewer"), await shell.token_of("operator"), joined.joined.agent_token):
        assert (await shell.get("//openapi.json", token=token)).status == 200
    assert (await shell.get("//openapi.json", token="")).status == 401


async def test_each_operation_says_what_it_does_under_a_name_of_its_own(document: Document) -> None:
    names = [operation["operationId"] for *_, operation in operations(document)]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"\w+", name) for name in names)
    assert all(operation["summary"].endswith(".") for *_, operation in operations(document))
    tags = {operation["tags"][0] for *_, operation in operations(document)}
    assert tags == {tag["name"] for tag in document["tags"]}


async def test_each_part_of_a_path_is_a_parameter(document: Document) -> None:
    for _, path, operation in operations(document):
        told = {each["name"] for each in operation["parameters"] if each["in"] == "path"}
        assert told == set(re.findall(r"\{(\w+)\}", path)), path


async def test_each_operation_says_which_roles_may_and_what_is_refused(document: Document) -> None:
    paths = document["paths"]
    create = paths["/apis/v1alpha1/database/create"]["post"]
    assert create["security"] == [{"token": ["administrator", "operator"]}]
    assert create["description"] == "For tokens of role administrator or operator."
    assert {"201", "400", "401", "403", "409", "413", "503"} <= create["responses"].keys()
    assert paths["/apis/v1alpha1/agents/join"]["post"]["security"] == []
    assert paths["/healthz"]["get"]["responses"].keys() == {"200"}


def test_a_route_that_lets_a_tenants_token_in_says_so() -> None:
    async def nothing(_: web.Request) -> web.Response:
        return web.Response()

    route = Route("PATCH", "/api/v1/apps", nothing, WRITERS, Said("Nothing.", {200: None}), tenants=True)
    told = openapi([route])["paths"]["/api/v1/apps"]["patch"]
    assert (told["operationId"], told["tags"]) == ("patch_apps", ["apps"])
    for_whom = "For tokens of role administrator or operator. A tenant's token sees and changes what is the tenant's."
    assert told["description"] == for_whom
    assert {"400", "401", "403", "409", "422", "503"} <= told["responses"].keys()
    assert [each["name"] for each in told["parameters"]] == ["Idempotency-Key"]


async def test_every_refusal_has_the_one_shape_of_errors(document: Document) -> None:
    for _, path, operation in operations(document):
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                assert response == {"$ref": f"#/components/responses/{status}"}, path
    for response in document["components"]["responses"].values():
        assert response["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Error"}


async def test_bodies_are_described_by_the_models_that_read_them(document: Document) -> None:
    schemas = document["components"]["schemas"]
    body = document["paths"]["/apis/v1alpha1/database/create"]["post"]["requestBody"]
    assert body["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/InstanceBody"}
    assert schemas["InstanceBody"]["required"] == ["name", "host", "app"]
    assert schemas["InstanceBody"]["additionalProperties"] is False
    fall = schemas["App"]["properties"]["check_fall"]
    assert (fall["type"], fall["default"], fall["minimum"], fall["maximum"]) == ("integer", 2, 1, 100)
    assert schemas["Report"]["required"] == ["host", "epoch", "sequence", "full", "sent_at"]


async def test_keys_that_are_comments_are_allowed_wherever_unknown_ones_are_not(document: Document) -> None:
    closed = [each for each in document["components"]["schemas"].values() if each.get("additionalProperties") is False]
    assert len(closed) > 5
    assert all(each["patternProperties"] == {"^//": {}} for each in closed)


async def test_query_parameters_are_never_null(document: Document) -> None:
    listed = document["paths"]["/apis/v1alpha1/database"]["get"]["parameters"]
    (expect,) = [each for each in listed if each["name"] == "expect"]
    assert expect["schema"] == {"enum": ["running", "stopped", "not-installed"], "type": "string"}
    assert not expect["required"]
    for _, path, operation in operations(document):
        assert "null" not in str([each["schema"] for each in operation["parameters"]]), path


def test_two_models_of_one_name_are_refused() -> None:
    async def nothing(_: web.Request) -> web.Response:
        return web.Response()

    other = msgspec.defstruct("Error", [])
    route = Route("GET", "/", nothing, ANYBODY, Said("Nothing.", {200: other, 201: Error}))
    with pytest.raises(ValueError, match="two models are called Error"):
        openapi([route])


async def test_an_answer_that_the_document_does_not_know_is_found(document: Document) -> None:
    judge, path = Judge(document), "/apis/v1alpha1/database/db/status"
    known = {"name": "db", "status": {"expect": "running", "realtime": "running"}}
    judge.look("GET", path, 200, known)
    with pytest.raises(AssertionError, match="answers 418, and the document does not say so"):
        judge.look("GET", path, 418, known)
    for wrong in (known | {"more": 1}, {"name": "db"}, known | {"name": 7}, known | {"status": {"expect": "restart"}}):
        with pytest.raises(AssertionError, match="a body that is not in the document"):
            judge.look("GET", path, 200, wrong)
