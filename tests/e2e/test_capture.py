"""Whoever is on the way between the controller and a host reads no secret; by plain HTTP he would read each."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.e2e.tiny import publish
from tests.packaging.joined import CONTROL, DEB, PORT, HostsStack, Joined
from tests.testbeds.hosts.bed import Bed
from tests.testbeds.hosts.capture import captured
from tests.testbeds.hosts.host import Host
from tests.testbeds.stack import Stack, until

_PASSWORD = "Heron-on-the-weir-7"
_PACKAGE = "what stands in the package, " * 200


class PlainStack(HostsStack):
    """The same by plain HTTP, as it was asked for."""

    def __init__(self, folder: Path, repo: Path, address: str, **settings: str) -> None:
        super().__init__(folder, repo, address, **settings)
        self.url = f"http://{address}:{self.port}"
        self.controller.arguments.append("--plain-http")

    async def start_controller(self) -> None:
        await Stack.start_controller(self)


@pytest_asyncio.fixture(params=[HostsStack, PlainStack], ids=["tls", "plain"])
async def joined(
    request: pytest.FixtureRequest, bed: Bed, fresh_host: Host, packages: Path, tmp_path: Path
) -> AsyncIterator[Joined]:
    """A host with the agent installed, which has not joined yet."""
    (publish(tmp_path / "repo" / "tiny") / "tiny.tar.gz").write_text(_PACKAGE)
    async with request.param(tmp_path, tmp_path / "repo", bed.address, report_interval="0.5") as stack:
        made = Joined(stack, fresh_host)
        await made.put(DEB, packages)
        await made.run(f"install -d -o paas-agent {CONTROL}")
        yield made


async def call(joined: Joined, method: str, path: str, body: Any = None) -> Any:
    status, answer = await joined.stack.call(method, path, body)
    assert status in (200, 201, 202), answer
    return answer


async def tokens(joined: Joined) -> list[str]:
    known = json.loads(await joined.run("cat /var/lib/paas-agent/agent.json"))
    return [known["agent_token"], known["controller_token"]]


async def serve(joined: Joined) -> None:
    """An order with a secret in it, its package, its output."""
    body = joined.stack.body("db", "tiny", CONTROL=CONTROL, PASSWORD=_PASSWORD)
    body["host"] = [{"ip": joined.host.address, "agent_port": PORT}]
    body["app"] |= {"package": "tiny.tar.gz", "restart": "", "check_interval": 1, "status": {"expect": "running"}}
    await call(joined, "POST", "/database/create", body)
    await joined.stack.becomes("database", "db", "running")
    [*_, first] = (await call(joined, "GET", "/database/db/operations"))["items"]
    await call(joined, "GET", f"/operations/{first['id']}/log")


async def rotate(joined: Joined) -> None:
    """Other tokens and another certificate, and an order by them."""
    host, before = f"/hosts/{joined.host.address}:{PORT}", await tokens(joined)
    await call(joined, "POST", f"{host}/rotate")

    async def rotated() -> bool:
        return not (await call(joined, "GET", host))["rotating"] and await tokens(joined) != before

    await until(rotated, "the tokens to be replaced")
    await call(joined, "PUT", "/database/db/stopped")
    await joined.stack.becomes("database", "db", "stopped")


async def test_no_secret_can_be_read_on_the_way_unless_plain_http_is_asked_for(joined: Joined, bed: Bed) -> None:
    is_plain = isinstance(joined.stack, PlainStack)
    with captured(bed.network.name) as passed:
        join_token = await joined.join(*(["--plain-http"] if is_plain else []))
        secrets = [join_token.partition(".")[0], _PASSWORD, *await tokens(joined)]
        await serve(joined)
        await rotate(joined)
        secrets += await tokens(joined)
        await asyncio.to_thread(joined.host.run, "systemctl stop paas-agent")
    assert len(set(secrets)) == 6
    assert [passed.shows(secret) for secret in secrets] == [is_plain] * 6
    assert passed.shows(_PACKAGE) is is_plain
    assert min(passed.count(PORT), passed.count(joined.stack.port)) > 2000
