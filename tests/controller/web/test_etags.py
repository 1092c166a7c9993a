"""Tags of records: what makes a writer late, and what a reader knows already."""

from dataclasses import dataclass, replace
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request

from paas_controller.base.errors import Conflict, Invalid
from paas_controller.web.etags import etag_of, require_match, tagged
from tests.controller.shell import Shell


@dataclass(frozen=True)
class Record:
    id: int = 17
    revision: int = 3


def asked(method: str = "PUT", **headers: str) -> Any:
    return make_mocked_request(method, "/", headers={name.replace("_", "-"): text for name, text in headers.items()})


def shown(record: Record, document: object) -> str:
    return str(tagged(asked("GET"), document, etag_of(record)).headers["ETag"])


def test_a_tag_can_be_read() -> None:
    assert etag_of(Record()) == '"17-3"'


def test_who_says_nothing_is_let_through() -> None:
    require_match(asked(), etag_of(Record()))


@pytest.mark.parametrize("tag", ['"17-3"', '"17-3.00ff"', '"x", "17-3.1"', "*", 'W/"17-3"'])
def test_a_tag_of_what_is_written_now_is_let_through(tag: str) -> None:
    require_match(asked(If_Match=tag), etag_of(Record()))


@pytest.mark.parametrize("meanwhile", [{"revision": 4}, {"id": 18}])
def test_whatever_somebody_wrote_meanwhile_is_a_conflict(meanwhile: dict[str, int]) -> None:
    read = shown(Record(), {"name": "db"})
    with pytest.raises(Conflict, match="read it again, then write"):
        require_match(asked(If_Match=read), etag_of(replace(Record(), **meanwhile)))


def test_what_was_seen_meanwhile_makes_no_writer_late() -> None:
    read = shown(Record(), {"realtime": "starting"})
    assert read != shown(Record(), {"realtime": "running"})
    require_match(asked(If_Match=read), etag_of(Record()))


@pytest.mark.parametrize("header", ["17-3", "", '"half', ","])
def test_what_is_no_tag_is_refused_with_an_example(header: str) -> None:
    with pytest.raises(Invalid, match="If-Match takes tags in quotes"):
        require_match(asked(If_Match=header), etag_of(Record()))


def test_who_knows_the_answer_is_told_so_with_its_tag() -> None:
    document = {"name": "db"}
    known = shown(Record(), document)
    again = tagged(asked("GET", If_None_Match=f'"other", {known}'), document, etag_of(Record()))
    assert (again.status, again.body, again.headers["ETag"]) == (304, None, known)
    assert (
        tagged(asked("GET", If_None_Match=known), {"name": "db", "realtime": "failed"}, etag_of(Record())).status == 200
    )
    assert tagged(asked("GET", If_None_Match=etag_of(Record())), document, etag_of(Record())).status == 200


def test_the_answer_to_a_write_has_its_tag_and_is_never_a_304() -> None:
    written = tagged(asked("PUT", If_None_Match="*"), {"name": "db"}, etag_of(Record()), 202)
    assert written.status == 202
    assert written.headers["ETag"].startswith('"17-3.')


def test_the_header_is_spelt_as_everybody_looks_for_it() -> None:
    assert "ETag" in list(tagged(asked("GET"), {"name": "db"}, etag_of(Record())).headers)


# Over HTTP


@pytest.mark.parametrize(("method", "path"), [("PUT", "/database/db/stopped"), ("DELETE", "/database/db")])
async def test_a_wish_or_a_deletion_can_be_meant_for_what_was_read(shell: Shell, method: str, path: str) -> None:
    await shell.create()
    read = await shell.get("/database/db")
    unless_changed = {"If-Match": read.headers["ETag"]}
    await shell.put("/database/db", read.body | {"labels": {"tier": "gold"}})
    assert (await shell.call(method, path, headers=unless_changed)).status == 409
    fresh = {"If-Match": (await shell.get("/database/db")).headers["ETag"]}
    assert (await shell.call(method, path, headers=fresh)).status < 300
    assert (await shell.call(method, path.replace("/db", "/gone"), headers=fresh)).status == 404


async def test_a_record_that_is_known_is_not_sent_again(shell: Shell) -> None:
    await shell.create()
    known = {"If-None-Match": (await shell.get("/database/db")).headers["ETag"]}
    again = await shell.get("/database/db", headers=known)
    assert (again.status, again.body) == (304, b"")
    await shell.put("/database/db/hold")
    assert (await shell.get("/database/db", headers=known)).status == 200


async def test_a_name_that_is_used_anew_has_another_tag(shell: Shell) -> None:
    await shell.create()
    former = {"If-Match": (await shell.get("/database/db")).headers["ETag"]}
    await shell.delete("/database/db")
    await shell.create()
    record = (await shell.get("/database/db")).body
    assert (await shell.put("/database/db", record, headers=former)).status == 409
