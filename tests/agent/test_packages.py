import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import pytest

from paas_agent.cache import Cache, parse_sums
from paas_agent.packages import FetchFailed, Packages, Patience
from tests.agent.repository import Repository, answering, stalled_after, whole

PATIENCE = Patience(pauses=(0, 0))


@pytest.fixture
async def repository(tmp_path: Path) -> AsyncIterator[Repository]:
    repository = Repository(tmp_path / "repo")
    async with repository.server:
        yield repository


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def packages(tmp_path: Path, session: aiohttp.ClientSession) -> Packages:
    return Packages(tmp_path / "cache", session, own=lambda _: None, patience=PATIENCE)


@pytest.fixture
def anew(tmp_path: Path, session: aiohttp.ClientSession) -> Callable[[], Packages]:
    """The same cache, taken up by an agent that has just started."""
    return lambda: Packages(tmp_path / "cache", session, own=lambda _: None, patience=PATIENCE)


async def test_a_file_is_fetched_verified_and_read_only(repository: Repository, packages: Packages) -> None:
    digest = repository.publish("install.sh", b"echo one\n")
    repository.publish_sums()
    path = await packages.fetch(repository.url.rstrip("/"), "install.sh")
    assert path.read_bytes() == b"echo one\n"
    assert path.name == digest
    assert path.stat().st_mode & 0o777 == 0o444


async def test_a_name_with_signs_that_urls_reserve_is_fetched(repository: Repository, packages: Packages) -> None:
    repository.publish("a b#?%41+ü.sh", b"echo one\n")
    repository.publish_sums()
    assert (await packages.fetch(repository.url, "a b#?%41+ü.sh")).read_bytes() == b"echo one\n"


@pytest.mark.parametrize(
    ("sums", "cost"), [(True, [("SHA256SUMS", 304)]), (False, [("SHA256SUMS", 404), ("a.sh", 304)])]
)
async def test_an_unchanged_file_costs_a_small_question(
    repository: Repository, anew: Callable[[], Packages], sums: bool, cost: list[tuple[str, int]]
) -> None:
    repository.publish("a.sh", b"echo one\n")
    if sums:
        repository.publish_sums()
    first = await anew().fetch(repository.url, "a.sh")
    repository.took()
    assert await anew().fetch(repository.url, "a.sh") == first
    assert repository.took() == cost


@pytest.mark.parametrize("sums", [True, False])
async def test_a_changed_file_is_fetched_anew(repository: Repository, packages: Packages, sums: bool) -> None:
    for content in (b"echo one\n", b"echo two\n"):
        repository.publish("a.sh", content)
        if sums:
            repository.publish_sums()
        assert (await packages.fetch(repository.url, "a.sh")).read_bytes() == content


@pytest.mark.parametrize("sums", [True, False])
async def test_a_file_changed_within_one_second_is_seen(repository: Repository, packages: Packages, sums: bool) -> None:
    now = (repository.folder.stat().st_mtime_ns,) * 2
    for content in (b"echo one\n", b"echo two\n"):
        (repository.folder / "a.sh").write_bytes(content)
        if sums:
            digest = hashlib.sha256(content).hexdigest()
            (repository.folder / "SHA256SUMS").write_text(f"{digest}  a.sh\n")
        for path in repository.folder.iterdir():
            os.utime(path, ns=now)
        assert (await packages.fetch(repository.url, "a.sh")).read_bytes() == content


async def test_a_file_asked_for_lately_is_used_unasked(repository: Repository, packages: Packages) -> None:
    repository.publish("check.sh", b"echo one\n")
    first = await packages.fetch(repository.url, "check.sh")
    repository.took()
    assert await packages.fetch(repository.url, "check.sh", since=asyncio.get_running_loop().time() - 60) == first
    assert repository.took() == []


async def test_an_answer_asked_for_ahead_is_not_asked_for_again(repository: Repository, packages: Packages) -> None:
    repository.publish("a.sh", b"echo one\n")
    repository.publish_sums()
    await packages.fetch(repository.url, "a.sh")
    repository.took()
    asked_at = packages.ask_ahead(repository.url)
    await packages.fetch(repository.url, "a.sh", since=asked_at)
    assert len(repository.took()) == 1


async def test_a_question_asked_ahead_in_vain_leaves_the_sentence_to_the_fetch(packages: Packages) -> None:
    for url in ("no url", "http://127.0.0.1:1/"):
        asked_at = packages.ask_ahead(url)
        with pytest.raises(FetchFailed):
            await packages.fetch(url, "a.sh", since=asked_at)


async def test_a_file_that_is_not_what_the_sums_say_is_never_used(repository: Repository, packages: Packages) -> None:
    got = repository.publish("a.sh", b"echo evil\n")
    repository.publish_sums(**{"a.sh": "0" * 64})
    with pytest.raises(FetchFailed, match=f"expected 000000000000, got {got[:12]}") as failure:
        await packages.fetch(repository.url, "a.sh")
    assert failure.value.fault == "environment"
    assert f"{repository.url}a.sh" in str(failure.value)
    assert not [path for path in (repository.folder.parent / "cache").rglob("*") if path.is_file()][1:]
    repository.publish_sums()
    assert (await packages.fetch(repository.url, "a.sh")).read_bytes() == b"echo evil\n"


async def test_sums_published_during_the_download_count(repository: Repository, packages: Packages) -> None:
    repository.publish("a.sh", b"echo one\n")
    repository.publish_sums()
    await packages.fetch(repository.url, "a.sh")
    repository.publish("a.sh", b"echo two\n")
    repository.publish_sums(**{"a.sh": "0" * 64})

    def republish(done: int, _total: int) -> None:
        if done:
            repository.publish_sums()

    assert (await packages.fetch(repository.url, "a.sh", progress=republish)).read_bytes() == b"echo two\n"


async def test_a_name_that_the_sums_leave_out_is_refused(repository: Repository, packages: Packages) -> None:
    repository.publish("a.sh", b"echo one\n")
    repository.publish_sums()
    repository.publish("b.sh", b"echo two\n")
    with pytest.raises(FetchFailed, match=r"SHA256SUMS does not name b\.sh; is the name right\?"):
        await packages.fetch(repository.url, "b.sh")


async def test_the_last_good_state_serves_while_the_repository_is_away(
    repository: Repository, anew: Callable[[], Packages], caplog: pytest.LogCaptureFixture
) -> None:
    repository.publish("a.sh", b"echo one\n")
    first = await anew().fetch(repository.url, "a.sh")
    repository.fail("a.sh", answering(503))
    assert await anew().fetch(repository.url, "a.sh") == first
    url = repository.url
    await repository.server.close()
    caplog.clear()
    restarted = anew()
    for _ in range(3):
        assert await restarted.fetch(url, "a.sh") == first
    assert caplog.text.count("; what it last gave is used") == 1
    with pytest.raises(FetchFailed, match="cannot be reached: Connection refused") as failure:
        await anew().fetch(url, "b.sh")
    assert failure.value.fault == "environment"


async def test_no_old_state_serves_once_the_sums_name_another(repository: Repository, packages: Packages) -> None:
    repository.publish("a.sh", b"echo one\n")
    repository.publish_sums()
    await packages.fetch(repository.url, "a.sh")
    repository.publish_sums(**{"a.sh": "0" * 64})
    for name in ("a.sh", "SHA256SUMS"):
        repository.fail(name, answering(503))
        with pytest.raises(FetchFailed, match="answers 503"):
            await packages.fetch(repository.url, "a.sh")


@pytest.mark.parametrize(
    ("status", "words"), [(404, "is not there"), (403, "let this host read it"), (204, "answers 204")]
)
async def test_a_refused_file_is_the_environments_fault(
    repository: Repository, packages: Packages, status: int, words: str
) -> None:
    repository.fail("a.sh", answering(status))
    with pytest.raises(FetchFailed, match=words) as failure:
        await packages.fetch(repository.url, "a.sh")
    assert failure.value.fault == "environment"
    assert f"{repository.url}a.sh" in str(failure.value)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://h/", "../a.sh"), ("http://h/", ".a.sh"), ("http://h/", ""), ("http://h/", "a\n.sh"),
        ("ftp://h/", "a.sh"), ("file:///etc/", "a.sh"), ("/srv", "a.sh"), ("http://", "a.sh"), ("http://h:x/", "a.sh"),
        ("http://h/?key=geheim", "a.sh"), ("http://me:geheim@h/", "a.sh"),
    ],
)  # fmt: skip
async def test_what_only_another_spec_can_mend_is_the_softwares_fault(packages: Packages, url: str, name: str) -> None:
    with pytest.raises(FetchFailed) as failure:
        await packages.fetch(url, name)
    assert failure.value.fault == "software"
    assert "geheim" not in str(failure.value)


async def test_two_fetches_at_once_are_one_download(repository: Repository, packages: Packages) -> None:
    repository.publish("a.tgz", b"x" * 3_000_000)
    repository.fail("a.tgz", whole(), whole())
    first, second = await asyncio.gather(*(packages.fetch(repository.url, "a.tgz") for _ in range(2)))
    assert first == second
    assert [name for name, _ in repository.took()].count("a.tgz") == 1


async def test_a_cancelled_fetch_lets_the_next_one_go_on_from_there(repository: Repository, packages: Packages) -> None:
    repository.publish("a.tgz", os.urandom(3_000_000))
    repository.fail("a.tgz", stalled_after(1_000_000))
    arrived = asyncio.Event()
    fetch = asyncio.create_task(
        packages.fetch(repository.url, "a.tgz", progress=lambda done, _: arrived.set() if done == 1_000_000 else None)
    )
    await asyncio.wait_for(arrived.wait(), 10)
    waiting = asyncio.create_task(packages.fetch(repository.url, "a.tgz"))
    fetch.cancel()
    assert (await waiting).read_bytes() == (repository.folder / "a.tgz").read_bytes()
    assert repository.asked[-1].headers["Range"] == "bytes=1000000-"
    assert fetch.cancelled()


async def test_content_altered_on_the_disk_is_fetched_anew(repository: Repository, packages: Packages) -> None:
    repository.publish("a.sh", b"echo one\n")
    repository.publish_sums()
    path = await packages.fetch(repository.url, "a.sh")
    path.chmod(0o644)
    path.write_bytes(b"echo xxx\n")
    assert (await packages.fetch(repository.url, "a.sh")).read_bytes() == b"echo one\n"


async def test_content_is_hashed_again_after_a_boot(repository: Repository, packages: Packages, tmp_path: Path) -> None:
    digest = repository.publish("a.sh", b"echo one\n")
    path = await packages.fetch(repository.url, "a.sh")
    stat = path.stat()
    path.chmod(0o644)
    path.write_bytes(b"\0" * 9)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert await Cache(tmp_path / "cache", "another boot", lambda: 0).find(digest) is None


@pytest.mark.parametrize("index", [b"", b"{", b'{"files":3}'])
async def test_a_spoilt_index_costs_a_question_and_no_more(
    repository: Repository, anew: Callable[[], Packages], tmp_path: Path, index: bytes
) -> None:
    repository.publish("a.sh", b"echo one\n")
    repository.publish_sums()
    first = await anew().fetch(repository.url, "a.sh")
    (tmp_path / "cache" / "index.json").write_bytes(index)
    repository.took()
    assert await anew().fetch(repository.url, "a.sh") == first
    assert repository.took() == [("SHA256SUMS", 200)]


async def test_what_was_unused_for_longest_is_dropped_first(
    repository: Repository, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    hours = [0.0]
    packages = Packages(tmp_path / "cache", session, own=lambda _: None, clock=lambda: hours[0] * 3600)
    paths = {}
    for name in ("a.tgz", "b.tgz", "c.tgz"):
        repository.publish(name, name.encode() * 200)
        paths[name] = await packages.fetch(repository.url, name)
        hours[0] += 2
    await packages.fetch(repository.url, "a.tgz")
    await packages.prune(2000)
    assert {name for name, path in paths.items() if path.exists()} == {"a.tgz", "c.tgz"}
    await packages.prune(0)
    assert {name for name, path in paths.items() if path.exists()} == {"a.tgz"}, "it was used just now"
    assert await packages.fetch(repository.url, "b.tgz") == paths["b.tgz"]


async def test_partial_files_that_nobody_came_back_for_are_dropped(
    repository: Repository, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    patience = Patience(stall=0.5, pauses=())
    far = Packages(tmp_path / "cache", session, own=lambda _: None, patience=patience, clock=lambda: 4e9)
    repository.publish("a.tgz", b"x" * 1000)
    repository.fail("a.tgz", stalled_after(500))
    with pytest.raises(FetchFailed):
        await far.fetch(repository.url, "a.tgz")
    assert list((tmp_path / "cache" / "partial").iterdir())
    await far.prune(1 << 30)
    assert not list((tmp_path / "cache" / "partial").iterdir())


def test_sums_are_read_as_sha256sum_writes_them() -> None:
    a, b = "a" * 64, "B" * 64
    text = f"{a}  a.sh\r\n{b} *./b c.sh\n{a}  sub/d.sh\n<html>\n"
    assert parse_sums(text) == {"a.sh": a, "b c.sh": b.lower()}
