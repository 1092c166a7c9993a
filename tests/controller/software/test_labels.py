"""Labels: words of the user's own, to find instances by."""

from typing import Any

import pytest

from tests.controller.shell import Shell, body


@pytest.fixture
async def three(shell: Shell) -> None:
    for name, labels in (("a", {"team": "x", "tier": "1"}), ("b", {"team": "x"}), ("c", {})):
        await shell.post("/database/create", body(name) | {"labels": labels})


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("label=team:x", "ab"),
        ("label=team:x&label=tier:1", "a"),
        ("label=team:y", ""),
        ("label=tier:", ""),
        ("", "abc"),
    ],
)
async def test_a_list_takes_those_that_have_all_labels(shell: Shell, query: str, names: str) -> None:
    found = (await shell.get(f"/database?{query}")).body["items"]
    assert "".join(item["name"] for item in found) == names


@pytest.mark.usefixtures("three")
async def test_a_filtered_list_comes_in_pages(shell: Shell) -> None:
    first = (await shell.get("/database?label=team:x&limit=1")).body
    assert ([item["name"] for item in first["items"]], first["next"]) == (["a"], "a")
    second = (await shell.get(f"/database?label=team:x&limit=1&cursor={first['next']}")).body
    assert ([item["name"] for item in second["items"]], second["next"]) == (["b"], None)


async def test_a_value_may_hold_colons(shell: Shell) -> None:
    await shell.post("/database/create", body() | {"labels": {"url": "http://x:1/"}})
    assert (await shell.get("/database?label=url:http://x:1/")).body["items"]


@pytest.mark.parametrize(
    "labels", [{"": "x"}, {"a:b": "x"}, {"-a": "x"}, {"a" * 64: "x"}, {"a": 1}, {"a": "x" * 256}, {"a": "\n"}, ["a"]]
)
async def test_what_is_no_label_is_refused(shell: Shell, labels: Any) -> None:
    answer = await shell.post("/database/create", body() | {"labels": labels})
    assert answer.status == 400
    assert "labels" in answer.message


async def test_a_filter_without_a_colon_is_refused(shell: Shell) -> None:
    answer = await shell.get("/database?label=team")
    assert answer.status == 400
    assert "'team'" in answer.message
