"""Lines of the log: what they are about, and that they are lines."""

import json
import logging
import sys

import pytest
from aiohttp import web
from aiohttp.http_exceptions import BadHttpMessage

from paas_controller.base import logs


@pytest.fixture
def record() -> logging.LogRecord:
    """Of an operation, by a line that a path could have broken."""
    record = logging.LogRecord("room", logging.INFO, __file__, 1, "at %s", ("/a\n\x1b[2Jb",), None)
    record.operation_id = "op"
    return record


def test_a_line_names_its_operation_and_the_request_that_caused_it(record: logging.LogRecord) -> None:
    kept = logs.request_id.set("asked")
    try:
        line = json.loads(logs.JsonLines().format(record))
        text = logs.TextLines().format(record)
    finally:
        logs.request_id.reset(kept)
    assert (line["request_id"], line["operation_id"]) == ("asked", "op")
    assert text.endswith("[request_id=asked operation_id=op]")


def test_what_people_send_does_not_break_a_line(record: logging.LogRecord) -> None:
    assert "at /a\\n\\x1b[2Jb" in logs.TextLines().format(record)


def _record(error: Exception) -> logging.LogRecord:
    try:
        raise error
    except Exception:
        said, about = "Error handling request from %s", ("192.168.19.7",)
        return logging.LogRecord("aiohttp.server", logging.ERROR, __file__, 1, said, about, sys.exc_info())


def test_what_is_no_http_is_a_line_without_a_trace(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    record = _record(BadHttpMessage("100% invalid:\n\n  b'kept-secret'\n    ^"))
    assert logs.one_line_for_no_http(record)
    assert (record.levelno, record.levelname, record.exc_info) == (logging.INFO, "INFO", None)
    assert record.getMessage() == "this is no HTTP, from 192.168.19.7: 100% invalid:"


def test_a_body_that_is_not_encoded_as_it_says_is_a_line_without_a_trace(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    record = _record(web.RequestPayloadError("Can not decode content-encoding: deflate"))
    assert logs.one_line_for_no_http(record)
    assert (record.levelno, record.exc_info) == (logging.INFO, None)
    assert record.getMessage() == "the rest of a body cannot be read: it is not encoded as it says"


def test_what_is_no_http_is_no_line_where_only_warnings_are_wanted(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    assert not logs.one_line_for_no_http(_record(BadHttpMessage("x")))


def test_a_real_error_of_the_server_keeps_its_trace() -> None:
    record = _record(RuntimeError("broken"))
    assert logs.one_line_for_no_http(record)
    assert (record.levelno, record.getMessage()) == (logging.ERROR, "Error handling request from 192.168.19.7")
    assert record.exc_info
