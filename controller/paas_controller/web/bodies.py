"""Bodies of people: JSON with a helpful refusal, comment keys (`// …`) dropped, validated by a pydantic model."""

from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, from_json

from paas_controller.base.errors import Invalid

Model = TypeVar("Model", bound=BaseModel)


async def read_body(request: web.Request, model: type[Model]) -> Model:
    """The body as this model; Invalid names line and column, or each field that is wrong."""
    return validated(parse(await request.read()), model)


def parse(data: bytes) -> Any:
    """JSON without comment keys; Invalid says where it breaks."""
    try:
        return without_comments(from_json(data, allow_inf_nan=False))
    except ValueError as error:
        raise Invalid(f"the body is not JSON: {error}") from None


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
        return f"{path}: no such key; allowed here: {', '.join(_allowed(fault['loc'][:-1], model))}"
    return f"{path}: {fault['msg'].removeprefix('Value error, ')}"


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
