"""The API's document (OpenAPI 3.1): made of the routes, and of the very models that read their bodies."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, TypeGuard

import msgspec
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from paas_controller import __version__
from paas_controller.base.principal import ANYBODY
from paas_controller.web.routing import API, Document, Route
from paas_controller.web.schemas import Error

Schema = dict[str, Any]
_SCHEMAS = "#/components/schemas/"
_ABOUT = """\
Databases and middleware on hosts: what is expected of each is written down beside what is really there, and the
controller closes the difference.

Keys of a body that begin with `//` are comments: they are ignored and not kept. Any other unknown key is refused.
Passwords, keys and secret metadata are answered as `******`; written back, that means unchanged.
Lists answer `{"items": […], "next": …}`; `?cursor=` takes the `next` of the page before. Times are UTC.
"""
_REFUSALS = {
    400: "Malformed: the message names what is wrong.",
    401: "No valid token.",
    403: "The token's role may not do this.",
    404: "There is nothing of this name.",
    409: "It stands against what is there; the message says how to go on.",
    413: "The body is larger than 1 MiB.",
    422: "Understood, and refused for good.",
    503: "Not now; ask again after as many seconds as Retry-After says.",
}
_HEADERS = {
    "X-Request-Id": "Names the request, in the answer and in the log.",
    "Retry-After": "Seconds.",
    "WWW-Authenticate": "Bearer.",
    "Allow": "The methods that are known here.",
    "ETag": "The version of this record.",
    "If-Match": "Do this only to the version that an ETag named; 409 where it is another one by now.",
    "If-None-Match": "An ETag that is known already; 304 while it is the same.",
    "Idempotency-Key": "Do this once: within a day the same key and body get the first answer.",
    "Idempotency-Replayed": "true where this is the first answer again, and nothing was done.",
    "Last-Event-ID": "Go on after this event.",
}
_TAGS = r'^(\*|(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*")*)$'
_SHAPES = {
    "If-Match": _TAGS,
    "If-None-Match": _TAGS,
    "Idempotency-Key": r"^[\x21-\x7e]{1,255}$",
    "Last-Event-ID": r"^[0-9]{1,18}$",
}
_WITH = {401: ["WWW-Authenticate"], 503: ["Retry-After"]}


def openapi(routes: Sequence[Route]) -> Schema:
    """The document of these routes; ValueError where two models have one name."""
    schemas, names = _schemas({Error} | {model for route in routes for model in _models(route)})
    paths: dict[str, Schema] = {}
    for route in routes:
        path = re.sub(r"\{(\w+):[^}]*\}", r"{\1}", route.path)
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, path, names)
    return {
        "openapi": "3.1.0",
        "info": {"title": "paas-controller", "version": __version__, "description": _ABOUT},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {str(status): _refusal(status, told) for status, told in _REFUSALS.items()},
            "headers": {name: _header(name) for name in _HEADERS},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(route: Route, path: str, names: Mapping[Document, str]) -> Schema:
    said = route.said
    shown: Schema = {"summary": said.summary, "operationId": _identifier(route.method, path), "tags": [_tag(path)]}
    if route.roles and route.roles != ANYBODY:
        *first, last = sorted(route.roles)
        shown["description"] = f"For tokens of role {', '.join(first)}{' or ' if first else ''}{last}."
    shown["security"] = [] if route.roles is None else [{"token": sorted(route.roles)}]
    shown["parameters"] = [*_parameters(said.path, "path"), *_parameters(said.query, "query")]
    takes = (*said.takes, *(["Idempotency-Key"] if route.keyed else []))
    shown["parameters"] += [_header(name) | {"name": name, "in": "header"} for name in takes]
    if said.body:
        shown["requestBody"] = {"required": True, "content": _content(said.body, names)}
    gives = (*said.gives, *(["Idempotency-Replayed"] if route.keyed else []))
    answers = {str(status): _answer(status, document, gives, names) for status, document in said.answers.items()}
    refused = {str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted(_refused(route))}
    return shown | {"responses": answers | refused}


def _identifier(method: str, path: str) -> str:
    words = re.sub(r"\{(\w+)\}", r"by_\1", path.removeprefix(API)).replace(".", "_").replace("-", "_").split("/")
    return "_".join([method.lower(), *filter(None, words)])


def _tag(path: str) -> str:
    return path.removeprefix(API).split("/")[1] if path.startswith(API) else "controller"


def _refused(route: Route) -> Iterator[int]:
    """Every refusal that a route may give, those that follow from what it is included."""
    yield from route.said.refusals
    if route.roles is not None:
        yield from (401,) if route.roles == ANYBODY else (401, 403)
    if route.said.path:
        yield 404
    if route.said.body:
        yield 413
    if route.path.startswith(API):
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
    return {"application/json": {"schema": {"$ref": _SCHEMAS + names[document]}}}


def _refusal(status: int, told: str) -> Schema:
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in ("X-Request-Id", *_WITH.get(status, []))}
    content = {"application/json": {"schema": {"$ref": _SCHEMAS + Error.__name__}}}
    return {"description": told, "headers": headers, "content": content}


def _header(name: str) -> Schema:
    shape = {"pattern": _SHAPES[name]} if name in _SHAPES else {}
    return {"description": _HEADERS[name], "schema": {"type": "string"} | shape}


def _parameters(model: type[BaseModel] | None, place: str) -> Iterator[Schema]:
    shown = model.model_json_schema(schema_generator=_Plain) if model else {}
    for name, schema in shown.get("properties", {}).items():
        parameter: Schema = {"name": name, "in": place, "required": name in shown.get("required", [])}
        if told := schema.pop("description", ""):
            parameter["description"] = told
        yield parameter | {"schema": _present(schema)}


def _present(schema: Schema) -> Schema:
    """The schema of a parameter that is there: none is null."""
    some: list[Schema] = [choice for choice in schema.get("anyOf", []) if choice != {"type": "null"}]
    if len(some) != 1:
        return schema
    return {key: value for key, value in schema.items() if key not in ("anyOf", "default")} | some[0]


def _models(route: Route) -> Iterable[Document]:
    return (model for model in (route.said.body, *route.said.answers.values()) if isinstance(model, type))


def _schemas(models: Iterable[Document]) -> tuple[dict[str, Schema], dict[Document, str]]:
    """The schemas of all models by name, and the name of each."""
    ours = sorted(filter(_is_pydantic, models), key=lambda model: model.__name__)
    theirs = sorted((model for model in models if not _is_pydantic(model)), key=lambda model: model.__name__)
    references, shown = models_json_schema(
        [(model, "validation") for model in ours], ref_template=_SCHEMAS + "{model}", schema_generator=_Plain
    )
    wire, schemas = msgspec.json.schema_components(theirs, ref_template=_SCHEMAS + "{name}")
    names: dict[Document, str] = {model: references[model, "validation"]["$ref"] for model in ours}
    names |= {model: reference["$ref"] for model, reference in zip(theirs, wire, strict=True)}
    if twice := shown["$defs"].keys() & schemas.keys():
        raise ValueError(f"two models are called {', '.join(twice)}")
    with_comments = {name: _with_comments(schema) for name, schema in shown["$defs"].items()}
    return with_comments | schemas, {model: name.removeprefix(_SCHEMAS) for model, name in names.items()}


def _is_pydantic(model: Document) -> TypeGuard[type[BaseModel]]:
    return issubclass(model, BaseModel)


def _with_comments(schema: Schema) -> Schema:
    """Whatever refuses unknown keys takes comments, of any form."""
    closed = schema.get("additionalProperties") is False
    return schema | {"patternProperties": {"^//": {}}} if closed else schema


class _Plain(GenerateJsonSchema):
    """Without a title for each field, which says its name once more."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False
