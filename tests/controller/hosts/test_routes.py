"""HTTP of the registry, and of the output that lies on a host."""

import pytest

from tests.controller.agents import Agent
from tests.controller.shell import Shell


async def test_a_host_can_be_named_before_anything_stands_on_it(shell: Shell) -> None:
    added = await shell.post("/hosts", {"ip": "192.168.19.7", "agent_port": 4335})
    assert added.status == 201
    assert added.body["id"] == "192.168.19.7:4335"
    assert added.body["state"] == "absent"
    assert (await shell.post("/hosts", {"ip": "192.168.19.7", "agent_port": 4335})).status == 409
    await shell.restart()
    assert (await shell.get("/hosts/192.168.19.7:4335")).body["ip"] == "192.168.19.7"


async def test_a_host_was_heard_only_when_something_came_from_it(shell: Shell, joined: Agent) -> None:
    async def last_heard() -> list[str | None]:
        return [host["last_heard"] for host in (await shell.get("/hosts")).body["items"]]

    await shell.post("/hosts", {"ip": "192.168.19.7"})
    assert await last_heard() == ["2026-06-28T10:00:00.000Z", None]
    await shell.restart()
    assert await last_heard() == [None, None]
    assert (await shell.get(f"/hosts/{joined.host}")).body["state"] == "online"
    await joined.report()
    assert await last_heard() == ["2026-06-28T10:00:00.000Z", None]


async def test_hosts_are_listed_by_their_names(shell: Shell) -> None:
    for address in ("db2", "db1"):
        await shell.post("/hosts", {"ip": address})
    listed = (await shell.get("/hosts")).body
    assert [host["id"] for host in listed["items"]] == ["db1:3335", "db2:3335"]
    assert listed["next"] is None


@pytest.mark.parametrize("wrong", ["", "a b", "1.2.3", "999.1.1.1", "db/x", "-db", "db.", "x" * 254])
async def test_an_address_that_is_none_is_a_400_that_names_it(shell: Shell, wrong: str) -> None:
    refused = await shell.post("/hosts", {"ip": wrong})
    assert refused.status == 400
    assert refused.message.startswith("ip: ")


async def test_an_ipv6_host_has_a_name_too(shell: Shell) -> None:
    await shell.post("/hosts", {"ip": "fd00::7"})
    assert (await shell.get("/hosts/fd00::7:3335")).body["ip"] == "fd00::7"


async def test_an_unknown_key_is_named_with_those_allowed(shell: Shell) -> None:
    refused = await shell.post("/hosts", {"ip": "db1", "port": 3335})
    assert refused.status == 400
    assert refused.message == "port: no such key; allowed here: agent_port, ip, ssh_port"


async def test_no_token_is_ever_shown_with_a_host(shell: Shell, joined: Agent) -> None:
    assert joined.joined
    for path in ("/hosts", f"/hosts/{joined.host}"):
        shown = str((await shell.get(path)).body)
        assert joined.joined.agent_token not in shown
        assert joined.joined.controller_token not in shown


async def test_the_output_of_an_operation_comes_from_its_host(shell: Shell, joined: Agent) -> None:
    await shell.create(joined.host, status={"expect": "running"})
    _, order = await joined.ordered()
    log = await shell.get(f"/operations/{order.operation_id}/log?offset=7")
    assert log.status == 200
    assert (log.body["offset"], log.body["data"]) == (7, f"of {order.operation_id}")


async def test_output_on_a_host_that_is_lost_is_not_there_for_now(shell: Shell, joined: Agent) -> None:
    await shell.create(joined.host, status={"expect": "running"})
    _, order = await joined.ordered()
    shell.clock.now += 60
    await shell.becomes("unknow")
    answer = await shell.get(f"/operations/{order.operation_id}/log")
    assert answer.status == 503
    assert answer.headers["Retry-After"] == "1"
    assert joined.host in answer.message


@pytest.mark.parametrize("offset", ["-1", "x", "1.5", "", "٣", "9" * 30])
async def test_an_offset_that_is_none_is_a_400(shell: Shell, offset: str) -> None:
    assert (await shell.get(f"/operations/nothing/log?offset={offset}")).status == 400


async def test_an_operation_that_is_unknown_is_a_404(shell: Shell) -> None:
    assert (await shell.get("/operations/nothing/log")).status == 404
    assert (await shell.get("/operations/nothing")).status == 404
