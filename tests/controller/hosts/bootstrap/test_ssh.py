"""What the adapter promises, held against a light server and a real host; and what it says where nobody answers."""

import errno
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from paas_controller.hosts.bootstrap import ssh
from paas_controller.hosts.bootstrap.progress import Failure
from paas_controller.hosts.bootstrap.ssh import Session, private_key
from paas_controller.hosts.schemas import Auth
from tests.testbeds.hosts.bed import Bed
from tests.testbeds.hosts.host import Host
from tests.testbeds.hosts.tree import PASSWORDS
from tests.testbeds.ports import free_port
from tests.testbeds.ssh import key_pair, ssh_server


@dataclass
class Far:
    """Somewhere to log in, as whom, and the key by which that user may come in as well."""

    address: str
    port: int
    user: str
    password: str
    key: str


@pytest.fixture(params=["light", "real"])
def far(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Far]:
    private, public = key_pair(tmp_path / "keys", "ed25519")
    if request.param == "light":
        with ssh_server() as server:
            server.keys.add(public)
            yield Far("127.0.0.1", server.port, "ann", server.accounts["ann"], private)
        return
    host: Host = request.getfixturevalue("four_hosts")[0]
    host.authorize("robot", public)
    yield Far(host.address, 22, "robot", PASSWORDS["robot"], private)
    host.run("rm -r ~robot/.ssh")


@pytest.fixture
def session(far: Far) -> Iterator[Session]:
    made = Session(far.address, far.port)
    made.connect()
    made.log_in(Auth(username=far.user, password=far.password))
    yield made
    made.close()


def said(address: str, port: int, auth: Auth | None = None) -> Failure:
    session = Session(address, port)
    with pytest.raises(Failure) as told:
        enter(session, auth or Auth(username="ann", password="one"))
    session.close()
    return told.value


def enter(session: Session, auth: Auth) -> None:
    session.connect()
    session.log_in(auth)


def test_a_host_shows_the_same_key_each_time(far: Far) -> None:
    keys = set()
    for _ in range(2):
        session = Session(far.address, far.port)
        keys.add(session.connect(next(iter(keys), "")))
        session.close()
    assert len(keys) == 1


def test_a_private_key_opens_as_well(far: Far) -> None:
    session = Session(far.address, far.port)
    session.connect()
    session.log_in(Auth(username=far.user, private_key=far.key))
    assert session.run("echo in").out == "in\n"
    session.close()


def test_a_command_has_its_stdin_its_output_and_its_end(session: Session) -> None:
    ran = session.run("cat; echo wrong >&2; exit 3", b"told\n")
    assert (ran.code, ran.out, ran.err) == (3, "told\n", "wrong\n")


def test_who_prints_for_ever_is_not_listened_to_for_ever(session: Session) -> None:
    assert len(session.run("head -c 100000 /dev/zero | tr '\\0' a").out) < 100000


def test_a_file_arrives_whole(session: Session, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 100000)
    place = session.run("mktemp -d").out.strip()
    session.put(tmp_path / "file", f"{place}/file", 30)
    assert session.run(f"wc -c <{place}/file; rm -r {place}").out.strip() == "100000"


def test_a_place_that_takes_no_file_is_said(session: Session, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(Failure, match="took no file at /nowhere/file: is its disk full"):
        session.put(tmp_path / "file", "/nowhere/file", 30)


def test_what_takes_too_long_is_given_up(session: Session) -> None:
    with pytest.raises(Failure, match="did not answer in time"):
        session.run("sleep 100000", seconds=0.3)


def test_a_wrong_password_is_said_without_it(far: Far) -> None:
    told = said(far.address, far.port, Auth(username=far.user, password="kept-secret"))
    assert told.lasting
    assert f"{far.address} does not take this password of {far.user}" in told.sentence
    assert "kept-secret" not in told.sentence


def test_a_key_that_is_not_known_there_is_said(far: Far, tmp_path: Path) -> None:
    other, _ = key_pair(tmp_path / "other", "ecdsa")
    told = said(far.address, far.port, Auth(username=far.user, private_key=other))
    assert "does not take this private key" in told.sentence


def test_who_has_neither_password_nor_key_is_not_tried(far: Far) -> None:
    assert "neither a password nor a private key is known" in said(far.address, far.port, Auth(username="ann")).sentence


def test_nobody_at_the_port_is_said() -> None:
    assert "refuses connections: is sshd up there" in said("127.0.0.1", free_port()).sentence


def test_an_address_that_leads_nowhere_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(*_: object, **__: object) -> None:
        raise OSError(errno.EHOSTUNREACH, os.strerror(errno.EHOSTUNREACH))

    monkeypatch.setattr(socket, "create_connection", nowhere)
    told = said("192.0.2.7", 22).sentence
    assert told == "192.0.2.7 port 22 cannot be reached (No route to host): is it up, and is the address right?"


def test_a_name_that_nobody_knows_is_said() -> None:
    assert "is not known here: see to the address" in said("no-such-host.invalid", 22).sentence


def test_silence_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh, "CONNECT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        told = said("127.0.0.1", silent.getsockname()[1])
    assert not told.lasting
    assert "127.0.0.1 port" in told.sentence


def test_an_address_where_nobody_is_is_said(monkeypatch: pytest.MonkeyPatch, bed: Bed) -> None:
    monkeypatch.setattr(ssh, "CONNECT_SECONDS", 0.2)
    told = said(bed.nobody, 22)
    assert (
        f"{bed.nobody} port 22 did not answer in time: is it up, and does a firewall let SSH through?" in told.sentence
    )


@pytest.mark.parametrize("kind", ["rsa", "ecdsa", "ed25519"])
@pytest.mark.parametrize("form", ["RFC4716", "PEM", "PKCS8"])
def test_keys_are_taken_as_ssh_keygen_writes_them(tmp_path: Path, kind: str, form: str) -> None:
    private, public = key_pair(tmp_path, kind, "-m", form)
    found = private_key(private)
    assert f"{found.get_name()} {found.get_base64()}" == public


@pytest.mark.parametrize("form", ["RFC4716", "PEM", "PKCS8"])
def test_an_encrypted_key_is_refused_with_what_to_do(tmp_path: Path, form: str) -> None:
    private, _ = key_pair(tmp_path, "rsa", "-m", form, "-N", "pass phrase")
    with pytest.raises(Failure, match="is encrypted, and nobody could type its passphrase: give one without"):
        private_key(private)


@pytest.mark.parametrize(
    "text", ["", "rubbish §", "-----BEGIN OPENSSH PRIVATE KEY-----\nAA\n-----END OPENSSH PRIVATE KEY-----"]
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(Failure, match="cannot be read: give an RSA, ECDSA or Ed25519 key"):
        private_key(text)
