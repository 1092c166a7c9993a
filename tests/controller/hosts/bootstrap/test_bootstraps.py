"""Which hosts are bootstrapped, when, and what people are told of it; against a light SSH server."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import paramiko
import pytest
import pytest_asyncio

from paas_controller.base.settings import Settings
from tests.controller.agents import Agent
from tests.controller.shell import Shell, body, until
from tests.testbeds.ssh import SshServer, ssh_server
from tests.testbeds.stack import until as look_until

HOST = "127.0.0.1:3335"


@pytest.fixture
def server() -> Iterator[SshServer]:
    with ssh_server() as running:
        yield running


@pytest_asyncio.fixture
async def shell(tmp_path: Path) -> AsyncIterator[Shell]:
    made = Shell(tmp_path / "data")
    made.folder.mkdir()
    await made.start()
    yield made
    await made.stop()


def named(server: SshServer, port: int = 3335, password: str = "") -> dict[str, Any]:
    auth = {"username": "ann", "password": password or server.accounts["ann"]}
    return {"ip": "127.0.0.1", "agent_port": port, "ssh_port": server.port, "auth": [auth]}


async def tried(shell: Shell, words: str, host: str = HOST) -> dict[str, Any]:
    """Waits until a phase failed with these words; the host."""

    async def told() -> dict[str, Any] | None:
        found: dict[str, Any] = (await shell.get(f"/hosts/{host}")).body
        course = found["bootstrap"] or {"phase": "", "sentence": ""}
        return found if words in f"{course['phase']}: {course['sentence']}" else None

    return await look_until(told, f"{host} to say {words!r}", 20)


async def test_work_that_is_due_brings_the_agent_and_its_members_tell_how_far_it_is(
    shell: Shell, server: SshServer
) -> None:
    await shell.post("/database/create", body() | {"host": [named(server, password="wrong")]})
    assert (await shell.get(f"/hosts/{HOST}")).body["bootstrap"] is None
    server.open.clear()
    await shell.put("/database/db/running")
    await until(lambda: server.now, "somebody to log in")
    found = (await shell.get(f"/hosts/{HOST}")).body
    assert (found["state"], found["bootstrap"]["state"]) == ("installing", "running")
    waiting = (await shell.get("/database/db")).body["members"][0]["waiting"]
    assert waiting == f"the agent is being installed on {HOST}: connect"
    server.open.set()
    found = await tried(shell, "connect: 127.0.0.1 does not take this password of ann")
    assert (found["state"], found["bootstrap"]["failures"], found["bootstrap"]["by"]) == ("absent", 1, "")
    waiting = (await shell.get("/database/db")).body["members"][0]["waiting"]
    assert "could not be installed on 127.0.0.1:3335: connect: 127.0.0.1 does not take this password" in waiting
    assert "tried again at 2026-06-28T10:00:30.000Z" in waiting


async def test_other_credentials_are_tried_at_once(shell: Shell, server: SshServer) -> None:
    await shell.post("/hosts", named(server, password="wrong"))
    await shell.post(f"/hosts/{HOST}/bootstrap", {})
    await tried(shell, "does not take this password")
    await shell.put(f"/hosts/{HOST}", {"auth": named(server)["auth"]})
    await tried(shell, "inspect: ")


async def test_20_hosts_are_bootstrapped_at_once_and_the_others_wait(shell: Shell, server: SshServer) -> None:
    assert Settings().bootstraps == 20
    server.open.clear()
    for port in range(1, 24):
        await shell.post("/hosts", named(server, port))
        assert (await shell.post(f"/hosts/127.0.0.1:{port}/bootstrap", {})).status == 202
    await look_until(lambda: _is(server.now == 20), "20 to be at it", 20)
    server.open.set()
    await look_until(lambda: _is(server.all == 23), "all to have had their turn", 20)
    assert server.most == 20


async def _is(true: bool) -> bool:
    return true


async def test_the_first_host_key_is_believed_and_another_waits_for_a_person(shell: Shell, server: SshServer) -> None:
    await shell.post("/hosts", named(server, password="wrong"))
    await shell.post(f"/hosts/{HOST}/bootstrap", {})
    first = (await tried(shell, "does not take this password"))["host_key"]
    asked, server.host_key = server.all, paramiko.ECDSAKey.generate()
    await shell.post(f"/hosts/{HOST}/bootstrap", {})
    found = await tried(shell, f"host-key: {HOST} shows ")
    other = found["host_key_refused"]
    assert (found["host_key"], server.all) == (first, asked)
    assert f"{other}, and {first} is known of it" in found["bootstrap"]["sentence"]
    assert f"--accept-host-key {other}" in found["bootstrap"]["sentence"]

    refused = await shell.post(f"/hosts/{HOST}/bootstrap", {"accept_host_key": f"SHA256:{'a' * 43}"})
    assert (refused.status, f"{other} waits to be accepted" in refused.message) == (409, True)
    await shell.post(f"/hosts/{HOST}/bootstrap", {"accept_host_key": other})
    found = await tried(shell, "does not take this password")
    assert (found["host_key"], found["host_key_refused"]) == (other, "")
    rows = (await shell.get("/audit")).body["items"]
    told = [row["sentence"] for row in rows if row["about"] == HOST]
    assert {f"its SSH key is {key} from now on" for key in (first, other)} <= set(told)
    assert any(sentence.startswith("host-key: ") for sentence in told)


async def test_a_controller_that_starts_again_goes_on(shell: Shell, server: SshServer) -> None:
    await shell.post("/hosts", named(server, password="wrong"))
    server.open.clear()
    await shell.post(f"/hosts/{HOST}/bootstrap", {})
    await until(lambda: server.now, "somebody to log in")
    stopping = shell.stop()
    server.open.set()
    await stopping
    await shell.start()
    found = await tried(shell, "does not take this password")
    assert found["bootstrap"]["by"] == "admin"
    await shell.restart()
    assert (await shell.get(f"/hosts/{HOST}")).body["bootstrap"] == found["bootstrap"]


async def test_without_credentials_it_is_a_conflict_and_a_dry_run_does_nothing(shell: Shell, server: SshServer) -> None:
    await shell.post("/hosts", {"ip": "127.0.0.1"})
    refused = await shell.post(f"/hosts/{HOST}/bootstrap", {})
    assert (refused.status, "no credentials are known" in refused.message) == (409, True)
    await shell.put(f"/hosts/{HOST}", {"auth": named(server)["auth"]})
    planned = await shell.post(f"/hosts/{HOST}/bootstrap?dry_run=true", {})
    assert planned.body["steps"][0]["action"] == "bootstrap"
    assert (await shell.get(f"/hosts/{HOST}")).body["bootstrap"] is None
    assert (await shell.post("/hosts/10.0.0.1:1/bootstrap", {})).status == 404


async def test_a_host_that_is_forgotten_is_not_tried_any_more(shell: Shell, server: SshServer) -> None:
    await shell.post("/hosts", named(server))
    server.open.clear()
    await shell.post(f"/hosts/{HOST}/bootstrap", {})
    await until(lambda: server.now, "somebody to log in")
    assert (await shell.delete(f"/hosts/{HOST}")).status == 200
    server.open.set()
    await shell.post("/hosts", named(server))
    assert (await shell.get(f"/hosts/{HOST}")).body["bootstrap"] is None


async def test_a_controller_that_hosts_cannot_reach_says_so(shell: Shell, server: SshServer) -> None:
    await shell.post("/hosts", named(server) | {"ip": "192.0.2.1"})
    await shell.post("/hosts/192.0.2.1:3335/bootstrap", {})
    found = await tried(shell, "connect: agents know this controller as http://127.0.0.1", "192.0.2.1:3335")
    assert "start the controller with --listen and --advertise" in found["bootstrap"]["sentence"]


async def test_credentials_that_come_later_are_used_at_once(shell: Shell, server: SshServer) -> None:
    host = {key: value for key, value in named(server).items() if key != "auth"}
    await shell.post("/database/create", body() | {"host": [host]})
    await shell.put("/database/db/running")
    await shell.put(f"/hosts/{HOST}", {"auth": named(server, password="wrong")["auth"]})
    await tried(shell, "does not take this password")


async def test_an_agent_that_is_there_is_not_replaced_by_one_of_another_port(
    shell: Shell, server: SshServer, joined: Agent
) -> None:
    await shell.post("/hosts", named(server))
    refused = await shell.post(f"/hosts/{HOST}/bootstrap", {})
    assert refused.status == 409
    assert f"{joined.host} is the agent of 127.0.0.1, and would be replaced" in refused.message
