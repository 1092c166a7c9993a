import json
import re
from contextlib import suppress
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from paas_controller.base.errors import Invalid
from paas_controller.web.bodies import parse, validated


class Auth(BaseModel):
    model_config = ConfigDict(extra="forbid")

    username: str
    password: str = ""


class Host(BaseModel):
    model_config = ConfigDict(extra="forbid")

    ip: str
    auth: list[Auth] = []


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    host: list[Host]
    labels: dict[str, str] = {}


GOOD = {"name": "db", "host": [{"ip": "192.168.19.100", "auth": [{"username": "root"}]}]}


def refused(data: bytes) -> str:
    with pytest.raises(Invalid) as told:
        parse(data)
    return told.value.message


def wrong(**changes: Any) -> Invalid:
    with pytest.raises(Invalid) as told:
        validated(GOOD | changes, Body)
    return told.value


# JSON


def test_a_trailing_comma_is_refused_with_line_and_column() -> None:
    assert refused(b'{\n  "name": "db",\n}') == "the body is not JSON: trailing comma at line 3 column 1"


def test_a_key_that_stands_twice_is_named() -> None:
    assert refused(b'{"a": [{"name": 1, "name": 2}]}') == (
        "name: this key stands 2 times in one object; once is enough"
    )
    assert parse(b'{"// why": 1, "// why": 2, "name": 1}') == {"name": 1}


def test_the_comment_keys_of_the_seed_are_dropped_at_every_depth() -> None:
    body = b'{"// a": 1, "host": [{"//": [], "ip": "h", "auth": {"// b": {"c": 1}}}], "//c": null}'
    assert parse(body) == {"host": [{"ip": "h", "auth": {}}]}


def test_a_value_that_begins_with_two_slashes_is_kept() -> None:
    assert parse(b'{"url": "//host/path"}') == {"url": "//host/path"}


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="half"),
        pytest.param(b'{"a": 1} x', id="more behind it"),
        pytest.param(b"{'a': 1}", id="single quotes"),
        pytest.param(b'{"a": NaN}', id="NaN"),
        pytest.param(b'{"a": Infinity}', id="Infinity"),
        pytest.param(b'{"a": "\xff\xfe"}', id="no UTF-8"),
        pytest.param(b'{"a": "\x00"}', id="a control character"),
        pytest.param(rb'{"a": "\ud800"}', id="a lone surrogate"),
        pytest.param(rb'{"\udfff": 1}', id="a lone surrogate in a key"),
        pytest.param(b"[" * 100_000, id="100,000 brackets"),
        pytest.param(b'{"a":' * 100_000, id="100,000 braces"),
        pytest.param(b"[" * 100_000 + b"]" * 100_000, id="100,000 brackets, closed"),
        pytest.param(b"\xef\xbb\xbf{}", id="a byte order mark"),
    ],
)
def test_what_is_not_json_is_invalid_and_says_so(data: bytes) -> None:
    assert refused(data).startswith("the body is not JSON: ")


@settings(deadline=None)
@given(st.binary(max_size=200) | st.text(alphabet='{}[]",:\\/u0d8 \n', max_size=200).map(str.encode))
def test_any_bytes_are_json_or_invalid_and_never_another_error(data: bytes) -> None:
    with suppress(Invalid):
        json.dumps(parse(data)).encode()


# The model


def test_a_good_body_is_its_model() -> None:
    assert validated(GOOD, Body).host[0].auth[0].username == "root"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"nmae": 1}, "nmae: no such key; allowed here: host, labels, name; did you mean name?"),
        ({"host": [{"ip": "h", "port": 1}]}, "host.0.port: no such key; allowed here: auth, ip"),
        (
            {"host": [{"ip": "h"}, {"ip": "h", "auth": [{"username": "u", "pasword": "p"}]}]},
            "host.1.auth.0.pasword: no such key; allowed here: password, username; did you mean password?",
        ),
    ],
)
def test_an_unknown_key_is_named_with_those_that_are_allowed_there(changes: dict[str, Any], told: str) -> None:
    assert wrong(**changes).message == told


def test_a_missing_key_is_named() -> None:
    assert wrong(host=[{}]).message == "host.0.ip is missing"


class Limits(BaseModel):
    word: Literal["on", "off"] = "on"
    count: Annotated[int, Field(ge=1, le=9)] = 1
    share: float = 0.5
    sure: bool = True
    text: Annotated[str, StringConstraints(min_length=1, max_length=3)] = "a"
    code: Annotated[str, StringConstraints(pattern="^[a-z]+$")] = "a"
    some: Annotated[list[str], Field(min_length=1, max_length=2)] = ["a"]
    inner: Auth = Auth(username="u")
    table: dict[str, str] = {}


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("word", "of", "word must be 'on' or 'off'"),
        ("count", "x", "count must be a whole number"),
        ("count", 1.5, "count must be a whole number"),
        ("count", None, "count must be a whole number"),
        ("count", 0, "count must be 1 or more"),
        ("count", 10, "count must be 9 or less"),
        ("share", "x", "share must be a number"),
        ("sure", "perhaps", "sure must be true or false"),
        ("text", 1, "text must be a text in quotes"),
        ("text", "", "text must be 1 or more characters long"),
        ("text", "abcd", "text must be 3 or fewer characters long"),
        ("code", "A", "code must match ^[a-z]+$"),
        ("some", "a", "some must be a list: [ … ]"),
        ("some", [], "some must hold 1 or more"),
        ("some", ["a"] * 3, "some must hold 2 or fewer"),
        ("inner", "x", "inner must be an object: { … }"),
        ("table", [], "table must be an object: { … }"),
        ("table", {"a": 1}, "table.a must be a text in quotes"),
    ],
)
def test_what_is_wrong_is_said_in_plain_words(key: str, value: object, told: str) -> None:
    with pytest.raises(Invalid) as refused:
        validated({key: value}, Limits)
    assert refused.value.message == told


def test_several_faults_are_all_told() -> None:
    error = wrong(name=1, host=[{"ip": 2}], extra=3)
    assert error.message == "3 things are wrong"
    assert [re.split("[ :]", detail)[0] for detail in error.details] == ["name", "host.0.ip", "extra"]


@pytest.mark.parametrize("document", [[], "text", 1, None, True])
def test_what_is_no_object_is_invalid(document: object) -> None:
    with pytest.raises(Invalid, match="the body"):
        validated(document, Body)


def test_what_was_sent_is_not_repeated_where_it_could_be_a_secret() -> None:
    error = wrong(host=[{"ip": "h", "auth": [{"username": "u", "password": ["root123"]}]}])
    assert "root123" not in " ".join([error.message, *error.details])
