"""ETags of records: who writes back what was read is told where somebody else wrote meanwhile.

A tag has two parts, `"WRITTEN.SHOWN"`. WRITTEN moves with what people write and is all that If-Match looks at, so that
no observation makes a writer late; SHOWN moves with the whole answer and is what If-None-Match needs.
"""

import hashlib
from typing import Protocol

from aiohttp import web

from paas_controller.base.errors import Conflict, Invalid
from paas_controller.web.answers import answer


class Written(Protocol):
    """A record of which `revision` grows with whatever a writer may overwrite."""

    @property
    def id(self) -> int: ...
    @property
    def revision(self) -> int: ...


def etag_of(record: Written) -> str:
    """The tag of what people wrote, as in `"17-3"`. An id is never another record's, so neither is a tag."""
    return f'"{record.id}-{record.revision}"'


def require_match(request: web.Request, etag: str) -> None:
    """Conflict where If-Match names no tag of this record as it is; ask in the same step in which the write begins."""
    tags = _tags(request, "If-Match")
    # A proxy that compresses makes a tag weak; what was written is the same then.
    if tags and "*" not in tags and _written(etag.strip('"')) not in map(_written, tags):
        raise Conflict("somebody changed it since you read it (If-Match is stale); read it again, then write")


def tagged(request: web.Request, document: object, etag: str, status: int = 200) -> web.Response:
    """The document with its ETag; 304 to a GET whose If-None-Match says that it is known."""
    response = answer(document, status)
    assert isinstance(response.body, bytes)
    tag = etag.strip('"') + "." + hashlib.blake2b(response.body, digest_size=8).hexdigest()
    if request.method in ("GET", "HEAD") and {tag, "*"} & set(_tags(request, "If-None-Match")):
        response = web.Response(status=304)
    response.headers["ETag"] = f'"{tag}"'  # as everybody writes it, and aiohttp does not
    return response


def _tags(request: web.Request, header: str) -> list[str]:
    """The tags that a header lists; Invalid where it lists none."""
    if header not in request.headers:
        return []
    found = request.if_match if header == "If-Match" else request.if_none_match
    if not found:
        raise Invalid(f'{header} takes tags in quotes as an answer\'s ETag has them, as in "17-3", or *')
    return [tag.value for tag in found]


def _written(tag: str) -> str:
    return tag.partition(".")[0]
