"""The JSON schemas of models, as the API's document has them: pydantic's, and those of the agents' wire."""

from collections.abc import Collection, Iterator
from typing import Any, TypeGuard

import msgspec
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from paas_controller.web.routing import Document

Schema = dict[str, Any]
SCHEMAS = "#/components/schemas/"


def parameters(model: type[BaseModel] | None, place: str) -> Iterator[Schema]:
    """The fields of a model as parameters in the path or the query."""
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


def schemas_of(models: Collection[Document]) -> tuple[dict[str, Schema], dict[Document, str]]:
    """The schemas of all models by name, and the name of each; ValueError where two have one name."""
    ours = sorted(filter(_is_pydantic, models), key=lambda model: model.__name__)
    theirs = sorted((model for model in models if not _is_pydantic(model)), key=lambda model: model.__name__)
    references, shown = models_json_schema(
        [(model, "validation") for model in ours], ref_template=SCHEMAS + "{model}", schema_generator=_Plain
    )
    wire, schemas = msgspec.json.schema_components(theirs, ref_template=SCHEMAS + "{name}")
    names: dict[Document, str] = {model: references[model, "validation"]["$ref"] for model in ours}
    names |= {model: reference["$ref"] for model, reference in zip(theirs, wire, strict=True)}
    if twice := shown["$defs"].keys() & schemas.keys():
        raise ValueError(f"two models are called {', '.join(twice)}")
    described = {name: _with_comments(schema) for name, schema in (shown["$defs"] | schemas).items()}
    return described, {model: name.removeprefix(SCHEMAS) for model, name in names.items()}


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
