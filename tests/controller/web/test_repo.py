"""The files under /repo/: whole or in part, of one folder and no other."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.controller.agents import Agent
from tests.controller.shell import Shell

TEXT = b"#!/bin/sh\necho installed\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    (folder / "redis").mkdir(parents=True)
    (folder / "redis" / "install.sh").write_bytes(TEXT)
    (tmp_path / "secret").write_text("not yours")
    (folder / "out").symlink_to(tmp_path / "secret")
    (folder / "away").symlink_to(tmp_path)
    (folder / "inside").symlink_to(folder / "redis" / "install.sh")
    return folder


@pytest.fixture
async def serving(tmp_path: Path, folder: Path) -> AsyncIterator[Shell]:
    shell = Shell(tmp_path / "data", settings={"repo_dir": folder})
    await shell.start()
    yield shell
    await shell.stop()


async def test_a_file_is_served_to_whoever_has_a_token(serving: Shell) -> None:
    for token in (serving.token, await serving.token_of("viewer")):
        answer = await serving.get("//repo/redis/install.sh", token=token)
        assert (answer.status, answer.body) == (200, TEXT)
    assert (await serving.get("//repo/redis/install.sh", token="")).status == 401


async def test_an_agents_token_fetches_too(serving: Shell) -> None:
    agent = Agent(serving)
    await agent.start()
    joined = await agent.join()
    assert (await serving.get("//repo/redis/install.sh", token=joined.agent_token)).body == TEXT
    await agent.stop()


async def test_a_part_of_a_file_is_served_so_that_downloads_go_on(serving: Shell) -> None:
    part = await serving.get("//repo/redis/install.sh", headers={"Range": "bytes=10-"})
    assert (part.status, part.body) == (206, TEXT[10:])
    assert part.headers["Content-Range"] == f"bytes 10-{len(TEXT) - 1}/{len(TEXT)}"
    beyond = await serving.get("//repo/redis/install.sh", headers={"Range": "bytes=100-"})
    assert beyond.status == 416


@pytest.mark.parametrize("part", ["bytes=100-", "bytes=5-2", "bytes=0-1,3-4", "lines=1-2"])
async def test_a_part_that_there_is_not_is_an_error_like_all_others(serving: Shell, part: str) -> None:
    refused = await serving.get("//repo/redis/install.sh", headers={"Range": part})
    assert (refused.status, refused.body["error"]["code"]) == (416, "range-not-satisfiable")


@pytest.mark.parametrize("header", [{"If-Match": '"1-2"'}, {"If-Unmodified-Since": "Sat, 01 Jan 2000 00:00:00 GMT"}])
async def test_who_wants_another_version_of_a_file_is_told_so(serving: Shell, header: dict[str, str]) -> None:
    refused = await serving.get("//repo/redis/install.sh", headers=header)
    assert (refused.status, refused.body["error"]["code"]) == (412, "precondition-failed")
    assert (await serving.call("HEAD", "//repo/redis/install.sh", headers=header)).status == 412


async def test_who_wants_the_version_that_is_there_gets_it(serving: Shell) -> None:
    tag = (await serving.get("//repo/redis/install.sh")).headers["ETag"]
    for wanted in (tag, "*", f'"1-2", {tag}'):
        assert (await serving.get("//repo/redis/install.sh", headers={"If-Match": wanted})).body == TEXT


async def test_the_end_of_a_file_is_a_part_of_it(serving: Shell) -> None:
    end = await serving.get("//repo/redis/install.sh", headers={"Range": "bytes=-10"})
    assert (end.status, end.body) == (206, TEXT[-10:])


async def test_an_unchanged_file_is_not_sent_again(serving: Shell, folder: Path) -> None:
    tag = (await serving.get("//repo/redis/install.sh")).headers["ETag"]
    again = await serving.get("//repo/redis/install.sh", headers={"If-None-Match": tag})
    assert (again.status, again.body) == (304, b"")
    (folder / "redis" / "install.sh").write_bytes(TEXT + b"echo more\n")
    assert (await serving.get("//repo/redis/install.sh", headers={"If-None-Match": tag})).status == 200


async def test_head_says_how_long_a_file_is(serving: Shell) -> None:
    head = await serving.call("HEAD", "//repo/redis/install.sh")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == str(len(TEXT))


NOT_THERE = [
    "nothing", "", "redis", "redis/", "../secret", "%2e%2e/secret", "..%2fsecret", "redis/../../secret",
    "%2fetc%2fpasswd", "/etc/passwd", "out", "away/secret", "redis/install.sh%00", "redis/install.sh/x", "x" * 300,
]  # fmt: skip


async def test_nothing_but_the_files_of_the_folder_is_there(serving: Shell) -> None:
    for path in NOT_THERE:
        answer = await serving.get(f"//repo/{path}")
        assert answer.status == 404, path
        assert "not yours" not in str(answer.body)


async def test_a_link_that_stays_inside_is_followed(serving: Shell) -> None:
    assert (await serving.get("//repo/inside")).body == TEXT


async def test_nothing_is_written_there(serving: Shell) -> None:
    for method in ("PUT", "POST", "DELETE"):
        assert (await serving.call(method, "//repo/redis/install.sh", b"x")).status == 405


async def test_it_is_open_to_all_on_request_alone(tmp_path: Path, folder: Path) -> None:
    shell = Shell(tmp_path / "data", settings={"repo_dir": folder, "repo_open": True})
    await shell.start()
    assert (await shell.get("//repo/redis/install.sh", token="")).body == TEXT
    assert (await shell.get("/database", token="")).status == 401
    await shell.stop()


async def test_without_a_folder_there_is_no_repository(shell: Shell) -> None:
    assert (await shell.get("//repo/redis/install.sh")).status == 404
