import asyncio
import gzip
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from paas_agent.download import FetchFailed, Patience, follow
from paas_agent.packages import Packages
from tests.agent.repository import Repository, answering, broken_after, compressed_in_name, stalled_after, whole

CONTENT = os.urandom(3_000_000)


@pytest.fixture
async def repository(tmp_path: Path) -> AsyncIterator[Repository]:
    repository = Repository(tmp_path / "repo")
    async with repository.server:
        repository.publish("a.tgz", CONTENT)
        yield repository


@pytest.fixture
async def packages(tmp_path: Path) -> AsyncIterator[Packages]:
    async with aiohttp.ClientSession() as session:
        patience = Patience(stall=0.5, pauses=(0, 0))
        yield Packages(
            tmp_path / "cache",
            session,
            own=lambda _: {"headers": {"Authorization": "Bearer geheim"}},
            patience=patience,
        )


def ranges(repository: Repository) -> list[str | None]:
    return [each.headers.get("Range") for each in repository.asked if each.name == "a.tgz"]


@pytest.mark.parametrize("sums", [True, False])
async def test_a_broken_download_goes_on_where_it_stood(repository: Repository, packages: Packages, sums: bool) -> None:
    if sums:
        repository.publish_sums()
    seen = asyncio.Event()
    repository.fail("a.tgz", broken_after(1_000_000, seen))
    heard = []

    def progress(done: int, total: int) -> None:
        heard.append((done, total))
        if done == 1_000_000:
            seen.set()

    path = await packages.fetch(repository.url, "a.tgz", progress=progress)
    assert path.read_bytes() == CONTENT
    assert ranges(repository) == [None, "bytes=1000000-"]
    assert heard == sorted(heard)
    assert heard[-1] == (len(CONTENT), len(CONTENT))


async def test_a_script_that_broke_off_is_asked_for_again(repository: Repository, packages: Packages) -> None:
    repository.publish("a.sh", b"echo one\n")
    repository.fail("a.sh", broken_after(3), broken_after(5))
    assert (await packages.fetch(repository.url, "a.sh")).read_bytes() == b"echo one\n"


async def test_a_download_that_falls_silent_goes_on_where_it_stood(repository: Repository, packages: Packages) -> None:
    repository.fail("a.tgz", stalled_after(1_000_000))
    assert (await packages.fetch(repository.url, "a.tgz")).read_bytes() == CONTENT
    assert ranges(repository) == [None, "bytes=1000000-"]


async def test_a_download_that_stays_broken_is_said_to_be_and_goes_on_at_the_next_fetch(
    repository: Repository, packages: Packages
) -> None:
    repository.fail("a.tgz", *[stalled_after(1000)] * 3)
    with pytest.raises(FetchFailed, match="no byte came in time") as failure:
        await packages.fetch(repository.url, "a.tgz")
    assert failure.value.fault == "environment"
    assert (await packages.fetch(repository.url, "a.tgz")).read_bytes() == CONTENT
    assert ranges(repository)[-1] == "bytes=1000-"


async def test_a_server_that_is_silent_from_the_start_is_given_up(repository: Repository, packages: Packages) -> None:
    repository.fail("SHA256SUMS", stalled_after(0))
    repository.publish_sums()
    with pytest.raises(FetchFailed, match="SHA256SUMS cannot be reached: no byte came in time"):
        await packages.fetch(repository.url, "a.tgz")


async def test_a_server_without_ranges_and_lengths_is_read_anew(repository: Repository, packages: Packages) -> None:
    repository.fail("a.tgz", broken_after(1_000_000), whole())
    heard: list[tuple[int, int]] = []
    path = await packages.fetch(repository.url, "a.tgz", progress=lambda *at: heard.append(at))
    assert path.read_bytes() == CONTENT
    assert heard[-1] == (len(CONTENT), 0)


@pytest.mark.parametrize("size", [10, 2_000_000, 3_000_000])
async def test_a_file_changed_between_two_parts_is_never_mixed(
    repository: Repository, packages: Packages, size: int
) -> None:
    def replace(done: int, total: int) -> None:
        if (done, total) == (1_000_000, len(CONTENT)):
            repository.publish("a.tgz", CONTENT[::-1][:size])

    repository.fail("a.tgz", stalled_after(1_000_000))
    path = await packages.fetch(repository.url, "a.tgz", progress=replace)
    assert path.read_bytes() == CONTENT[::-1][:size]


async def test_a_part_spoilt_on_the_disk_is_fetched_once_more_from_the_start(
    repository: Repository, packages: Packages, tmp_path: Path
) -> None:
    repository.publish_sums()
    repository.fail("a.tgz", *[stalled_after(1_000_000)] * 3)
    with pytest.raises(FetchFailed, match="no byte came in time"):
        await packages.fetch(repository.url, "a.tgz")
    (part,) = (path for path in (tmp_path / "cache" / "partial").iterdir() if not path.suffix)
    part.write_bytes(b"\0" * part.stat().st_size)
    assert (await packages.fetch(repository.url, "a.tgz")).read_bytes() == CONTENT


async def test_a_killed_process_leaves_a_part_that_the_next_one_goes_on_with(
    repository: Repository, packages: Packages, tmp_path: Path
) -> None:
    repository.publish_sums()
    repository.fail("a.tgz", stalled_after(1_000_000))
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.agent.fetching", str(tmp_path / "cache"), repository.url, "a.tgz"
    )
    async with asyncio.timeout(20):
        while not any(path.stat().st_size == 1_000_000 for path in tmp_path.glob("cache/partial/*")):
            await asyncio.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    await child.wait()
    assert not list((tmp_path / "cache" / "sha256").iterdir())
    assert (await packages.fetch(repository.url, "a.tgz")).read_bytes() == CONTENT
    assert ranges(repository)[-1] == "bytes=1000000-"


async def test_a_disk_with_too_little_room_is_seen_beforehand(repository: Repository, tmp_path: Path) -> None:
    async with aiohttp.ClientSession() as session:
        packages = Packages(tmp_path / "cache", session, own=lambda _: None, free_bytes=lambda _: 1_000_000)
        with pytest.raises(
            FetchFailed, match="needs 3,000,000 bytes more and 1,000,000 are free; make room"
        ) as failure:
            await packages.fetch(repository.url, "a.tgz")
    assert failure.value.fault == "environment"


async def test_a_disk_that_fills_up_is_named_and_freed_again(repository: Repository, tmp_path: Path) -> None:
    repository.fail("a.tgz", whole())
    script = 'mount -t tmpfs -o size=1m none "$2" && cd "$1" && "$0" -m tests.agent.fetching "$2" "$3" a.tgz && df "$2"'
    (tmp_path / "full").mkdir()
    child = await asyncio.create_subprocess_exec(
        "unshare", "--map-root-user", "--mount", "sh", "-c", script,
        sys.executable, str(Path.cwd()), str(tmp_path / "full"), repository.url, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    answer = (await child.communicate())[0].decode()
    assert f"environment {repository.url}a.tgz cannot be kept in {tmp_path}/full: No space left" in answer
    assert "make room on that disk" in answer
    assert int(answer.splitlines()[-1].split()[2]) < 100, "kB in use"


async def test_a_folder_that_cannot_be_written_is_named(
    repository: Repository, packages: Packages, tmp_path: Path
) -> None:
    (tmp_path / "cache" / "partial").rmdir()
    with pytest.raises(FetchFailed, match=r"cannot be kept in .*/cache: No such file or directory; see to that disk"):
        await packages.fetch(repository.url, "a.tgz")


async def test_a_redirect_is_followed_but_the_token_stays_at_home(
    repository: Repository, packages: Packages, tmp_path: Path
) -> None:
    other = Repository(tmp_path / "other")
    async with other.server:
        other.publish("b.tgz", CONTENT)
        repository.fail("a.tgz", answering(302, Location="/b.tgz"))
        repository.fail("b.tgz", answering(307, Location=f"{other.url}b.tgz"))
        assert (await packages.fetch(repository.url, "a.tgz")).read_bytes() == CONTENT
    assert [each.headers.get("Authorization") for each in repository.asked] == ["Bearer geheim"] * 3
    assert [each.headers.get("Authorization") for each in other.asked] == [None]


async def test_redirects_without_end_are_given_up(repository: Repository, packages: Packages) -> None:
    repository.fail("a.tgz", *[answering(302, Location="/a.tgz")] * 9)
    with pytest.raises(FetchFailed, match="is redirected more than 5 times"):
        await packages.fetch(repository.url, "a.tgz")


@pytest.mark.parametrize("location", ["", "file:///etc/passwd", "http://h/", "https://h:x/"])
def test_a_redirect_to_where_nothing_can_be_trusted_is_refused(location: str) -> None:
    with pytest.raises(FetchFailed, match="is redirected"):
        follow(URL("https://h/a.tgz"), URL("https://h/a.tgz"), location)


async def test_a_package_is_never_unpacked_in_transport(repository: Repository, packages: Packages) -> None:
    packed = gzip.compress(CONTENT[:1000])
    repository.publish("a.tgz", packed)
    repository.fail("a.tgz", compressed_in_name)
    assert (await packages.fetch(repository.url, "a.tgz")).read_bytes() == packed


@pytest.mark.parametrize("status", [206, 304, 416])
@pytest.mark.parametrize("name", ["a.tgz", "SHA256SUMS"])
async def test_an_answer_to_another_question_is_not_taken_for_a_file(
    repository: Repository, packages: Packages, name: str, status: int
) -> None:
    repository.fail(name, *[answering(status)] * 3)
    with pytest.raises(FetchFailed, match=f"{name} cannot be had: its web server gives an answer to another question"):
        await packages.fetch(repository.url, "a.tgz")
    repository.faults.clear()
    assert (await packages.fetch(repository.url, "a.tgz")).read_bytes() == CONTENT
