"""Specs as people write them: JSON or YAML."""

import pytest

from paas_client import show
from paas_client.commands.documents import BadDocument, parse


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "db7", "app": {"metadata": {"PORT": "1"}}}',
        "name: db7\napp:\n  metadata:\n    PORT: '1'\n",
        "---\n# a comment\n{name: db7, app: {metadata: {PORT: '1'}}}\n",
    ],
)
def test_json_and_yaml_say_the_same(text: str) -> None:
    assert parse("f", text) == {"name": "db7", "app": {"metadata": {"PORT": "1"}}}


def test_what_is_called_yaml_is_read_as_such() -> None:
    assert parse("a.yml", "{name: db7, app: [on]}\n") == parse("a.yaml", '{"name": "db7", "app": ["on"]}')
    with pytest.raises(BadDocument, match=r"^a\.yaml is not YAML: line 2, column 1: "):
        parse("a.yaml", "[name: db7\n")


def test_what_looks_like_a_date_in_yaml_stays_text() -> None:
    assert parse("f", "CreateAt: 2019-05-29 10:33:55\nday: 2019-05-29\n") == {
        "CreateAt": "2019-05-29 10:33:55", "day": "2019-05-29",
    }  # fmt: skip


def test_a_key_in_yaml_is_the_text_that_is_written_there() -> None:
    text = "metadata: {ON: a, NO: b, y: c, true: d, 010: e, 1.0: f, null: g, 2019-05-29: h, ~: i}"
    keys = ["ON", "NO", "y", "true", "010", "1.0", "null", "2019-05-29", "~"]
    assert list(parse("f", text)["metadata"]) == keys


@pytest.mark.parametrize("text", ["on", "NO", "y", "off", "yes", "012", "0x1F", "1_000", "10:30", "=", ".5", "1e3"])
def test_a_value_that_json_has_not_is_text_in_yaml(text: str) -> None:
    assert parse("f", f"a: {text}") == {"a": text}


def test_what_json_has_is_the_same_in_yaml() -> None:
    text = "[true, false, null, ~, 0, -7, 1200, 1.5, -2.5e+3]"
    assert parse("f", f"a: {text}") == {"a": [True, False, None, None, 0, -7, 1200, 1.5, -2500.0]}


@pytest.mark.parametrize("text", ["on", "NO", "true", "null", "~", "012", "7", "7.0", "-1", "1e3", "1.5e+3", "", "<<"])
def test_text_that_was_shown_as_yaml_is_text_again(text: str) -> None:
    assert parse("f", show.as_yaml({text: text, "a": [text]})) == {text: text, "a": [text]}


def test_a_part_that_is_named_once_may_be_merged() -> None:
    text = "all: &all {on: 1, b: 2}\none: {<<: *all, b: 3}\n"
    assert parse("f", text)["one"] == {"on": 1, "b": 3}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: db7\n  app: {}\n", "f is not YAML: line 2, column 6: mapping values are not allowed here"),
        ("name: [1\n", "f is not YAML: line 2, column 1"),
        ("- name: db7\n", "f holds no object"),
        ("db7\n", "f holds no object"),
        ("name: !!python/object:os.system {}\n", "f is not YAML: line 1, column 7"),
        ("{" * 100_000, "f is not"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, told: str) -> None:
    with pytest.raises(BadDocument) as caught:
        parse("f", text)
    assert str(caught.value).startswith(told)
