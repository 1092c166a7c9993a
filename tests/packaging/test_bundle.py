"""The bundle on a host that no network reaches: one archive, one command, a controller; and the image made from it."""

import hashlib
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import aiohttp
import psutil
import pytest

from tests.packaging.conftest import ROOT, clone_to
from tests.packaging.images import Images
from tests.testbeds.hosts.host import Host
from tests.testbeds.ports import free_port
from tests.testbeds.stack import until

_DATA = "/var/lib/paas-controller"
_SETTINGS = "/etc/paas-operator/controller.env"
_KEPT = ("/var/lib/private", "/etc/paas-operator", "/srv/paas-repo", _DATA)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive, as it is made from the last commit."""
    return made(tmp_path_factory.mktemp("bundle"))


def made(folder: Path, umask: int = 0o022, source: Path = ROOT) -> Path:
    build = [clone_to(folder / "main", umask, source) / "packaging" / "bundle", folder / "made"]
    done = subprocess.run(build, umask=umask, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    [archive] = (folder / "made").iterdir()
    return archive


@pytest.fixture
def unpacked(bundle: Path, fresh_host: Host) -> str:
    """Its folder on a host that has nothing of ours yet."""
    with bundle.open("rb") as archive:
        subprocess.run([*fresh_host.shell(), "tar", "-C", "/root", "-xf", "-"], stdin=archive, check=True)
    return f"/root/{bundle.stem}"


def program_files(host: Host) -> set[str]:
    """What is on the host, but for what systemd, Python and the tests write of their own."""
    others = " -o ".join(
        f"-path {place}" for place in ("/proc", "/sys", "/dev", "/run", "/tmp", "/var/tmp", "/var/log", "/root")
    )
    return set(host.run(rf"find / \( {others} -o -path /var/lib/systemd \) -prune -o -print").splitlines())


def sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


async def get(host: Host, path: str, token: str = "") -> tuple[int, bytes]:
    """Of its controller, whose certificate is that of the CA on the host."""
    trust = ssl.create_default_context(cadata=host.read(f"{_DATA}/ca.pem").decode())
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session,
        session.get(f"https://{host.address}:3334{path}", ssl=trust) as answer,
    ):
        return answer.status, await answer.read()


async def test_a_host_without_a_network_gets_a_controller_twice_safely_and_is_rid_of_it(
    unpacked: str, fresh_host: Host
) -> None:
    host, before = fresh_host, program_files(fresh_host)
    assert host.run("ip route show default") == ""
    host.run(f"{unpacked}/install && echo PAAS_CONTROLLER_BOOTSTRAPS=7 >>{_SETTINGS}")
    token, after = host.read(f"{_DATA}/admin.token").decode(), program_files(host)
    told = host.run(f"{unpacked}/install --advertise {host.address}:3334")
    assert "runs as a service" in told
    assert program_files(host) - after == set()
    settings = host.read(_SETTINGS).decode().splitlines()
    assert {f"PAAS_CONTROLLER_ADVERTISE={host.address}:3334", "PAAS_CONTROLLER_BOOTSTRAPS=7"} < set(settings)
    assert (await get(host, "/healthz"))[0] == 200
    assert b"install.sh" in (await get(host, "/repo/redis/7.0/SHA256SUMS", token))[1]
    [deb] = host.run("cd /srv/paas-repo/paas-agent && ls *.deb").split()
    assert (await get(host, f"/repo/paas-agent/{deb}", token))[0] == 200
    # What it says is to be typed next works.
    [exports] = [line for line in told.splitlines() if "export" in line]
    assert len(host.run(f"{exports}; paasctl host token").strip().split(".")) == 2

    host.run(f"{unpacked}/install --uninstall")
    assert {path for path in program_files(host) - before if not path.startswith(_KEPT)} == set()


def test_a_bundle_that_was_spoilt_is_refused_before_anything_is_done(unpacked: str, fresh_host: Host) -> None:
    before = program_files(fresh_host)
    fresh_host.run(f"echo spoilt >>{unpacked}/VERSION")
    done = fresh_host.tries(f"{unpacked}/install")
    assert b"this bundle is not whole or was changed; unpack it again" in done.stderr
    assert program_files(fresh_host) == before


def test_the_same_commit_gives_the_same_bytes(bundle: Path, tmp_path: Path) -> None:
    assert sha256(made(tmp_path, 0o077, source=bundle.parents[1] / "main")) == sha256(bundle)


@pytest.fixture
def images() -> Iterator[Images]:
    made = Images()
    yield made
    made.remove()


async def test_the_image_serves_as_an_ordinary_user_at_the_address_it_is_given(images: Images, bundle: Path) -> None:
    container = images.run("buildah", "from", images.build(bundle))
    start = ["buildah", "run", "--user", "3334:3334", container, "/usr/local/bin/paas-start"]
    refused = subprocess.run(start, env=images.environment, capture_output=True, text=True, check=False)
    assert "set OPERATOR_IP to the address at which hosts reach this container" in refused.stderr
    port = free_port()
    # The second --listen counts: the port that is always the same in a container may be taken on this machine.
    given = ["--env", "OPERATOR_IP=127.0.0.2", "--env", f"OPERATOR_PORT={port}"]
    serving = subprocess.Popen([*start[:2], *given, *start[2:], "--listen", f"0.0.0.0:{port}"], env=images.environment)
    with serving:
        try:
            assert await served_at(f"https://127.0.0.2:{port}", serving) == 200
            assert {one.uids().real for one in psutil.Process(serving.pid).children(recursive=True)[-1:]} == {3334}
        finally:
            for one in psutil.Process(serving.pid).children(recursive=True)[::-1]:
                one.kill()


async def served_at(url: str, serving: subprocess.Popen[bytes]) -> int:
    """What /healthz answers, once the certificate that it shows is made out to this address."""

    async def heard() -> int:
        assert serving.poll() is None
        with suppress(aiohttp.ClientConnectionError):
            async with session.get(f"{url}/ca.pem", ssl=False) as answer:
                trust = ssl.create_default_context(cadata=await answer.text())
            async with session.get(f"{url}/healthz", ssl=trust) as answer:
                return answer.status
        return 0

    async with aiohttp.ClientSession() as session:
        return await until(heard, f"the controller to answer at {url}")
