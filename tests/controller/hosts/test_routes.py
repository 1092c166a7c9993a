"""HTTP of the registry, and of the output that lies on a host."""

import pytest

from tests.controller.agents import Agent
from tests.controller.shell import Shell, body


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


ROOT = {"username": "root", "password": "root123"}
SHOWN = {"username": "root", "password": "******", "private_key": ""}


async def test_how_ssh_reaches_a_host_is_changed_there_and_shown_without_its_secrets(shell: Shell) -> None:
    added = await shell.post("/hosts", {"ip": "h1", "auth": [ROOT]})
    assert (added.body["ssh_port"], added.body["auth"]) == (22, [SHOWN])
    changed = await shell.put("/hosts/h1:3335", {"ssh_port": 2222, "auth": [ROOT | {"password": "root456"}]})
    assert (changed.status, changed.body["ssh_port"], changed.body["auth"]) == (200, 2222, [SHOWN])
    kept = await shell.put("/hosts/h1:3335", {})
    assert kept.body == changed.body
    await shell.restart()
    assert (await shell.get("/hosts")).body["items"] == [changed.body]
    assert (await shell.put("/hosts/h1:3335", {"auth": []})).body["auth"] == []


async def test_a_host_that_was_read_may_be_written_back(shell: Shell) -> None:
    await shell.post("/hosts", {"ip": "h1", "auth": [ROOT]})
    before = (await shell.get("/hosts/h1:3335")).body
    assert (await shell.put("/hosts/h1:3335", before)).status == 200
    assert (await shell.get("/hosts/h1:3335")).body == before
    same = await shell.post("/database/create", body() | {"host": [{"ip": "h1", "auth": [ROOT]}]})
    assert same.status == 201, same.body


@pytest.mark.parametrize("masked", ["password", "private_key"])
async def test_a_mask_with_nothing_behind_it_is_refused_of_a_host_as_well(shell: Shell, masked: str) -> None:
    auth = [{"username": "root", masked: "******"}]
    sentence = f"auth.0.{masked} is masked, and there is no former value to keep; write the value"
    refused = await shell.post("/hosts", {"ip": "h1", "auth": auth})
    assert (refused.status, refused.message) == (400, sentence)
    await shell.post("/hosts", {"ip": "h1"})
    refused = await shell.put("/hosts/h1:3335", {"auth": auth})
    assert (refused.status, refused.message) == (400, sentence)


async def test_a_change_of_a_host_that_is_only_rehearsed_changes_nothing(shell: Shell) -> None:
    await shell.post("/hosts", {"ip": "h1"})
    rehearsed = await shell.put("/hosts/h1:3335?dry_run=true", {"ssh_port": 2222})
    assert rehearsed.body["steps"] == [{"host": "h1:3335", "action": "change", "why": "how it is reached"}]
    assert (await shell.get("/hosts/h1:3335")).body["ssh_port"] == 22
    assert (await shell.put("/hosts/h2:3335?dry_run=true", {"ssh_port": 2222})).status == 404
    assert (await shell.put("/hosts/h2:3335", {"ssh_port": 2222})).status == 404


async def test_a_change_of_a_host_is_in_the_audit_and_done_once_for_a_key(shell: Shell) -> None:
    await shell.post("/hosts", {"ip": "h1"})
    for _ in range(2):
        answer = await shell.put("/hosts/h1:3335", {"ssh_port": 2222}, headers={"Idempotency-Key": "k"})
    assert answer.headers["Idempotency-Replayed"] == "true"
    deeds = (await shell.get("/audit")).body["items"]
    assert [(deed["method"], deed["about"]) for deed in deeds][-2] == ("PUT", "h1:3335")
    viewer = await shell.token_of("viewer")
    assert (await shell.put("/hosts/h1:3335", {"ssh_port": 22}, token=viewer)).status == 403


@pytest.mark.parametrize(
    "wrong", ["", "a b", "1.2.3", "999.1.1.1", "db/x", "-db", "db.", "x" * 254, "0.0.0.0", "::", "224.0.0.1", "ff02::1"]
)
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
    assert refused.message == "port: no such key; allowed here: agent_port, auth, connection, ip, ssh_port"


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
