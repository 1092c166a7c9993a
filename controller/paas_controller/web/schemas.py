"""Words that every room's answers share."""

from typing import Generic, TypeVar

from pydantic import BaseModel

T = TypeVar("T")


class Health(BaseModel):
    """Something serves."""

    status: str


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
