"""Query parameters, read strictly by a pydantic model: a wrong one is an Invalid that says what it takes."""

import re
from typing import Annotated, get_origin

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from paas_controller.base.errors import Invalid
from paas_controller.web.bodies import Model, validated


def read_query(request: web.Request, model: type[Model]) -> Model:
    """The query as this model, a list where the model has one; Invalid names each parameter that is wrong."""
    given: dict[str, str | list[str]] = {}
    for name in request.query:
        field, values = model.model_fields.get(name), request.query.getall(name)
        if field is not None and get_origin(field.annotation) is list:
            given[name] = values
        elif len(values) > 1:
            raise Invalid(f"{name} is given {len(values)} times; once is enough")
        else:
            given[name] = values[0]
    return validated(given, model)


def _flag(value: object) -> bool:
    if value not in ("true", "false"):
        raise ValueError(f"is true or false, not {value!r}")
    return value == "true"


def whole(value: object) -> int:
    """Goes before the bounds of a number."""
    if not (isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 20):
        raise ValueError(f"is a whole number, 0 or more, not {value!r}")
    return int(value)


def _moment(value: object) -> object:
    if not (isinstance(value, str) and re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]", value)):
        raise ValueError(f"is a moment such as 2026-06-28T00:00:00Z, not {value!r}")
    return value


Flag = Annotated[bool, BeforeValidator(_flag)]
Limit = Annotated[int, Field(ge=0, le=1000), BeforeValidator(whole)]
"""How many are answered at most."""
Position = Annotated[int, Field(ge=0, le=2**62), BeforeValidator(whole)]
"""Where to go on."""
Moment = Annotated[AwareDatetime, BeforeValidator(_moment)]


class DryRun(BaseModel):
    """Whether to do it, or only to say what would be done."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dry_run: Annotated[Flag, Field(description="answer with the steps that would be taken, and take none")] = False
