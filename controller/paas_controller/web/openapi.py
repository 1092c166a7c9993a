"""The API's document (OpenAPI 3.1): made of the routes, and of the very models that read their bodies."""

import re
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus

from paas_controller import __version__
from paas_controller.base.principal import ANYBODY
from paas_controller.web.models import SCHEMAS, Schema, parameters, schemas_of
from paas_controller.web.routing import API, API1, Document, Route
from paas_controller.web.schemas import Error
from paas_controller.web.words import ABOUT, HEADERS, REFUSALS, SHAPES, TAGS, WITH


def openapi(routes: Sequence[Route]) -> Schema:
    """The document of these routes; ValueError where two models have one name."""
    schemas, names = schemas_of({Error} | {model for route in routes for model in _models(route)})
    paths: dict[str, Schema] = {}
    identifiers: set[str] = set()
    for route in routes:
        path = re.sub(r"\{(\w+):[^}]*\}", r"{\1}", route.path)
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, path, names, identifiers)
    return {
        "openapi": "3.1.0",
        "info": {"title": "paas-controller", "version": __version__, "description": ABOUT},
        "tags": [{"name": name, "description": told} for name, told in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {str(status): _refusal(status, told) for status, told in REFUSALS.items()},
            "headers": {name: _header(name) for name in HEADERS},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(route: Route, path: str, names: Mapping[Document, str], taken: set[str]) -> Schema:
    said = route.said
    identifier = _identifier(route.method, path, taken)
    shown: Schema = {"summary": said.summary, "operationId": identifier, "tags": [_tag(path)]}
    if route.roles and route.roles != ANYBODY:
        *first, last = sorted(route.roles)
        theirs = " A tenant's token sees and changes what is the tenant's." if route.tenants else ""
        shown["description"] = f"For tokens of role {', '.join(first)}{' or ' if first else ''}{last}.{theirs}"
    shown["security"] = [] if route.roles is None else [{"token": sorted(route.roles)}]
    shown["parameters"] = [*parameters(said.path, "path"), *parameters(said.query, "query")]
    takes = (*said.takes, *(["Idempotency-Key"] if route.keyed else []))
    shown["parameters"] += [_header(name) | {"name": name, "in": "header"} for name in takes]
    if said.body:
        shown["requestBody"] = {"required": True, "content": _content(said.body, names)}
    gives = (*said.gives, *(["Idempotency-Replayed"] if route.keyed else []))
    answers = {str(status): _answer(status, document, gives, names) for status, document in said.answers.items()}
    refused = {str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted(_refused(route))}
    return shown | {"responses": answers | refused}


def _identifier(method: str, path: str, taken: set[str]) -> str:
    """After its path within its API; where the other API has one of that name already, after its whole path."""
    found = next(name for name in (_called(method, _within(path) or path), _called(method, path)) if name not in taken)
    taken.add(found)
    return found


def _called(method: str, path: str) -> str:
    words = re.sub(r"\{(\w+)\}", r"by_\1", path).replace(".", "_").replace("-", "_").split("/")
    return "_".join([method.lower(), *filter(None, words)])


def _tag(path: str) -> str:
    within = _within(path)
    return within.split("/")[1] if within else "controller"


def _within(path: str) -> str | None:
    """The path below the API that it belongs to; None where it belongs to neither."""
    return next((path.removeprefix(api) for api in (API, API1) if path.startswith(f"{api}/")), None)


def _refused(route: Route) -> Iterator[int]:
    """Every refusal that a route may give, those that follow from what it is included."""
    yield from route.said.refusals
    if route.roles is not None:
        yield from (401,) if route.roles == ANYBODY and route.tenants else (401, 403)
    if route.said.path:
        yield 404
    if route.said.body:
        yield 413
    if route.path.startswith((API, API1)):
        yield from (400, 503)
    if route.keyed:
        yield from (409, 422)


def _answer(
    status: int, document: Document | str | None, gives: Sequence[str], names: Mapping[Document, str]
) -> Schema:
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in ("X-Request-Id", *gives)}
    shown: Schema = {"description": HTTPStatus(status).phrase, "headers": headers}
    return shown if document is None else shown | {"content": _content(document, names)}


def _content(document: Document | str, names: Mapping[Document, str]) -> Schema:
    if isinstance(document, str):
        return {document: {}}
    return {"application/json": {"schema": {"$ref": SCHEMAS + names[document]}}}


def _refusal(status: int, told: str) -> Schema:
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in ("X-Request-Id", *WITH.get(status, []))}
    content = {"application/json": {"schema": {"$ref": SCHEMAS + Error.__name__}}}
    return {"description": told, "headers": headers, "content": content}


def _header(name: str) -> Schema:
    return {"description": HEADERS[name], "schema": {"type": "string"} | SHAPES.get(name, {})}


def _models(route: Route) -> Iterator[Document]:
    return (model for model in (route.said.body, *route.said.answers.values()) if isinstance(model, type))
