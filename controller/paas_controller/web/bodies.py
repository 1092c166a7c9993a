"""Bodies of people: JSON with a helpful refusal, comment keys (`// …`) dropped, validated by a pydantic model."""

import difflib
import json
from collections import Counter
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, from_json

from paas_controller.base.errors import Invalid

Model = TypeVar("Model", bound=BaseModel)

_PLAIN = {
    "missing": "is missing",
    "model_type": "must be an object: {{ … }}",
    "dict_type": "must be an object: {{ … }}",
    "list_type": "must be a list: [ … ]",
    "string_type": "must be a text in quotes",
    "string_too_short": "must be {min_length} or more characters long",
    "string_too_long": "must be {max_length} or fewer characters long",
    "string_pattern_mismatch": "must match {pattern}",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "greater_than_equal": "must be {ge:g} or more",
    "less_than_equal": "must be {le:g} or less",
    "literal_error": "must be {expected}",
    "too_short": "must hold {min_length} or more",
    "too_long": "must hold {max_length} or fewer",
}
"""What is wrong, by pydantic's word for it, in the words of those who wrote the body."""


async def read_body(request: web.Request, model: type[Model]) -> Model:
    """The body as this model; Invalid names line and column, or each field that is wrong."""
    return validated(parse(await request.read()), model)


def parse(data: bytes) -> Any:
    """JSON without comment keys; Invalid says where it breaks, or which key stands twice in an object."""
    try:
        document = from_json(data, allow_inf_nan=False)
    except ValueError as error:
        raise Invalid(f"the body is not JSON: {error}") from None
    json.loads(data, object_pairs_hook=_each_once)  # the quicker parser takes the last one without a word
    return without_comments(document)


def _each_once(pairs: list[tuple[str, Any]]) -> None:
    keys = Counter(key for key, _ in pairs if not key.startswith("//"))
    if twice := [key for key, count in keys.items() if count > 1]:
        raise Invalid(f"{twice[0][:80]}: this key stands {keys[twice[0]]} times in one object; once is enough")


def without_comments(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_comments(child) for key, child in value.items() if not key.startswith("//")}
    if isinstance(value, list):
        return [without_comments(child) for child in value]
    return value


def validated(document: Any, model: type[Model]) -> Model:
    try:
        return model.model_validate(document)
    except ValidationError as error:
        details = [_sentence(fault, model) for fault in error.errors(include_url=False)]
        raise Invalid(details[0] if len(details) == 1 else f"{len(details)} things are wrong", details) from None


def _sentence(fault: ErrorDetails, model: type[BaseModel]) -> str:
    path = ".".join(str(part) for part in fault["loc"]) or "the body"
    if fault["type"] == "extra_forbidden":
        return f"{path}: no such key; {_instead(str(fault['loc'][-1]), _allowed(fault['loc'][:-1], model))}"
    if plain := _PLAIN.get(fault["type"]):
        return f"{path} {plain.format(**fault.get('ctx', {}))}"
    told = fault["msg"].removeprefix("Value error, ")
    return f"{path}: {told}" if fault["loc"] else told


def _instead(key: str, allowed: list[str]) -> str:
    meant = difflib.get_close_matches(key, allowed, n=1, cutoff=0.7)
    return f"allowed here: {', '.join(allowed)}" + (f"; did you mean {meant[0]}?" if meant else "")


def _allowed(location: tuple[int | str, ...], model: type[BaseModel]) -> list[str]:
    """The keys of the model found by walking this location."""
    for part in location:
        if isinstance(part, str) and part in model.model_fields:
            found = _models_in(model.model_fields[part].annotation)
            model = found[0] if found else model
    return sorted(model.model_fields)


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in getattr(annotation, "__args__", ()) for model in _models_in(argument)]
