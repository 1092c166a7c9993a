"""Specs as people write them: JSON or YAML."""

import pytest

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


def test_what_looks_like_a_date_in_yaml_stays_text() -> None:
    assert parse("f", "CreateAt: 2019-05-29 10:33:55\nday: 2019-05-29\n") == {
        "CreateAt": "2019-05-29 10:33:55", "day": "2019-05-29",
    }  # fmt: skip


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
