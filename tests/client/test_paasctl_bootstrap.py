"""`paasctl host bootstrap` against a real controller and a light SSH server."""

import re
from collections.abc import Iterator

import pytest

from paas_client.client import Client
from tests.client.conftest import Paasctl
from tests.testbeds.ports import free_port
from tests.testbeds.ssh import SshServer, ssh_server


@pytest.fixture
def server() -> Iterator[SshServer]:
    with ssh_server() as running:
        yield running


@pytest.fixture
async def host(client: Client, server: SshServer) -> str:
    """One whose SSH does not take the password that is known of it."""
    auth = [{"username": "ann", "password": "kept-secret"}]
    return (await client.hosts.add("localhost", free_port(), server.port, auth)).id


async def test_a_phase_that_fails_ends_the_wait_with_its_sentence(paasctl: Paasctl, host: str) -> None:
    ended = await paasctl("host", "bootstrap", host, "--wait")
    assert ended.code == 1
    assert "connect: localhost does not take this password of ann: see to it with paasctl host edit" in ended.err
    assert "it is tried again at" in ended.err
    assert "kept-secret" not in ended.err + ended.out


async def test_how_far_it_is_and_the_key_are_shown_at_the_host(paasctl: Paasctl, host: str) -> None:
    told = await paasctl("host", "bootstrap", host)
    assert (told.code, "the agent is being installed" in told.out) == (0, True)
    await paasctl("host", "bootstrap", host, "--wait")
    shown = (await paasctl("host", "show", host)).out
    assert re.search(r"host key +SHA256:[A-Za-z0-9+/]{43}\s", shown)
    assert re.search(r"bootstrap +connect: localhost does not take this password", shown)
    assert re.search(rf"^{host} +absent .* bootstrap failed", (await paasctl("host", "list")).out, re.MULTILINE)
    assert re.search(rf" {host} .* its SSH key is SHA256:", (await paasctl("audit")).out)


async def test_a_key_that_nobody_showed_is_not_accepted(paasctl: Paasctl, host: str) -> None:
    ended = await paasctl("host", "bootstrap", host, "--accept-host-key", f"SHA256:{'a' * 43}")
    assert ended.code == 6
    assert "none waits to be accepted" in ended.err
    assert (await paasctl("host", "bootstrap", host, "--accept-host-key", "anything")).code == 1


async def test_a_wait_has_an_end(paasctl: Paasctl, host: str, server: SshServer) -> None:
    server.open.clear()
    ended = await paasctl("host", "bootstrap", host, "--wait", "--timeout", "0.5")
    assert ended.code == 7
    assert f"{host} is not bootstrapped after 0.5 s; connect" in ended.err


async def test_a_dry_run_and_a_host_without_credentials(paasctl: Paasctl, client: Client, host: str) -> None:
    planned = await paasctl("host", "bootstrap", host, "--dry-run")
    assert (planned.code, "by SSH" in planned.out) == (0, True)
    bare = (await client.hosts.add("localhost", free_port())).id
    ended = await paasctl("host", "bootstrap", bare)
    assert (ended.code, "no credentials are known" in ended.err) == (6, True)
    assert (await paasctl("host", "bootstrap", "10.9.8.7:3335")).code == 3
