"""Words that every room's bodies and answers share."""

import re
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, RootModel, WithJsonSchema

T = TypeVar("T")


def shaped(pattern: str, **more: Any) -> WithJsonSchema:
    """Tells the API's document of a pattern that a validator of ours holds a text to, with a sentence of its own."""
    return WithJsonSchema({"type": "string", "pattern": f"^{pattern}$"} | more)


def held_to(pattern: str, told: str) -> AfterValidator:
    """Holds a text to a pattern, and says in words where it is not of it. `shaped` tells the document."""
    whole = re.compile(pattern)

    def hold(value: str) -> str:
        if not whole.fullmatch(value):
            raise ValueError(told)
        return value

    return AfterValidator(hold)


def keyed(pattern: str) -> Any:
    """Tells the API's document of a pattern that a validator of ours holds the keys of an object to."""

    def tell(schema: dict[str, Any]) -> None:
        schema["patternProperties"] = {f"^{pattern}$": schema.pop("additionalProperties"), "^//": {}}
        schema["additionalProperties"] = False

    return Field(json_schema_extra=tell)


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_whole)
"""For JSON 7.0 is the whole number 7."""


class Health(BaseModel):
    """Something serves."""

    status: str


class InRepository(BaseModel):
    """Which file."""

    path: Annotated[str, Field(examples=["redis/7.0/install.sh"], description="its folders included")]


class Told(BaseModel):
    """What became of what is named."""

    name: str
    msg: str


class Page(BaseModel, Generic[T]):
    """Some of what there is. `next` is the cursor to go on with, null where there is no more."""

    items: list[T]
    next: str | None


class Fault(BaseModel):
    """What went wrong, in a sentence. `details` names the fields or the steps that it is about."""

    code: str
    message: str
    details: list[str]
    request_id: str


class Error(BaseModel):
    """The one shape of all errors."""

    error: Fault


class StepShown(BaseModel):
    """What would be done: an action on a host, a change of the registry, or `wait`. `why` says what is in the way."""

    host: str
    action: str
    why: str


class Rehearsed(BaseModel):
    """What would be done, in this order, if every step succeeded; `status` is what an instance would be then."""

    dry_run: Literal[True]
    steps: list[StepShown]
    status: dict[str, str] | None


class ToldOrRehearsed(RootModel[Told | Rehearsed]):
    """What became of it; of a dry run, its steps."""
