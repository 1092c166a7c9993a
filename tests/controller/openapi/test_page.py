"""The page that renders the document: open to all, told apart from everything else by what it may not do."""

import re
from pathlib import Path

import pytest

import paas_controller.web.docs
from tests.controller.shell import Shell

FILES = ["//docs", "//docs/page.js", "//docs/page.css"]
FOLDER = Path(paas_controller.web.docs.__file__).parent / "page"


@pytest.mark.parametrize("path", FILES)
async def test_the_page_is_open_and_may_load_from_here_alone(shell: Shell, path: str) -> None:
    answer = await shell.get(path, token="")
    assert answer.status == 200
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", FILES)
async def test_the_page_tells_nothing_of_the_api_without_its_document(shell: Shell, path: str) -> None:
    told = (await shell.get(path, token="")).body.decode()
    document = (await shell.get("//openapi.json")).body
    assert "/apis/" not in told
    assert document["info"]["version"] not in told
    assert not [tag["name"] for tag in document["tags"] if f"/{tag['name']}" in told]


async def test_each_part_has_its_content_type(shell: Shell) -> None:
    types = [(await shell.get(path, token="")).headers["Content-Type"] for path in FILES]
    assert types == [f"text/{kind}; charset=utf-8" for kind in ("html", "javascript", "css")]


def test_all_that_the_page_loads_is_served() -> None:
    html = (FOLDER / "index.html").read_text()
    loaded = re.findall(r'(?:src|href)="([^"]+)"', html)
    assert sorted(loaded) == ["docs/page.css", "docs/page.js"]
    assert not re.search(r"<script>|<style>|style=|\son\w+=", html)


def test_nothing_is_fetched_from_elsewhere_and_the_token_is_kept_nowhere() -> None:
    script = (FOLDER / "page.js").read_text()
    assert "//" not in re.sub(r"^\s*//.*$", "", script, flags=re.MULTILINE)
    assert not re.search(r"localStorage|sessionStorage|indexedDB|cookie|innerHTML|outerHTML|eval", script)
