"""How SSH reaches a host: believed once, changed at the host, kept sealed."""

from typing import Any

from tests.controller.agents import Agent
from tests.controller.shell import Shell, body


def _with_auth(name: str, *auth: dict[str, str]) -> dict[str, Any]:
    return body(name) | {"host": [{"ip": "192.168.19.100", "auth": list(auth)}]}


async def test_other_credentials_for_a_known_host_are_a_conflict_and_nothing_is_created(shell: Shell) -> None:
    root = {"username": "root", "password": "root123"}
    assert (await shell.post("/database/create", _with_auth("one", root))).status == 201
    refused = await shell.post("/database/create", _with_auth("two", root | {"password": "other"}))
    assert refused.status == 409
    assert "192.168.19.100:3335" in refused.message
    assert "root123" not in refused.message
    assert (await shell.get("/database/two")).status == 404
    await shell.restart()
    assert (await shell.get("/database/two")).status == 404


async def test_the_same_credentials_none_or_the_first_ones_are_taken(shell: Shell) -> None:
    root = {"username": "root", "password": "root123"}
    assert (await shell.post("/database/create", _with_auth("none-yet"))).status == 201
    assert (await shell.post("/database/create", _with_auth("first", root))).status == 201
    assert (await shell.post("/database/create", _with_auth("same", root))).status == 201
    assert (
        await shell.post(
            "/database/create",
            _with_auth(
                "none",
            ),
        )
    ).status == 201
    assert (await shell.post("/database/create", _with_auth("other", root | {"password": "x"}))).status == 409


async def test_other_credentials_are_taken_once_they_are_changed_at_the_host(shell: Shell) -> None:
    root = {"username": "root", "password": "root123"}
    await shell.post("/database/create", _with_auth("one", root))
    refused = await shell.post("/database/create", _with_auth("two", root | {"password": "other"}))
    assert refused.message == (
        "192.168.19.100:3335 is known with other credentials; change that at the host: "
        "PUT /apis/v1alpha1/hosts/192.168.19.100:3335, or paasctl host edit 192.168.19.100:3335 -f FILE"
    )
    await shell.put("/hosts/192.168.19.100:3335", {"auth": [root | {"password": "other"}]})
    assert (await shell.post("/database/create", _with_auth("two", root | {"password": "other"}))).status == 201
    assert (await shell.post("/database/create", _with_auth("three", root))).status == 409
    record = (await shell.get("/database/one")).body
    assert (await shell.put("/database/one", record | {"labels": {"team": "a"}})).status == 200


async def test_another_ssh_port_is_no_more_ignored_than_other_credentials(shell: Shell) -> None:
    def on(name: str, **more: Any) -> Any:
        return shell.post("/database/create", body(name) | {"host": [{"ip": "h1"} | more]})

    await shell.post("/hosts", {"ip": "h1"})
    assert (await on("one", ssh_port=2222)).status == 201
    assert (await shell.get("/hosts/h1:3335")).body["ssh_port"] == 2222
    for port in (22, 2223):
        refused = await on("two", ssh_port=port)
        assert (refused.status, "h1:3335 is known with ssh_port 2222" in refused.message) == (409, True)
    assert (await on("two")).status == 201
    await shell.put("/hosts/h1:3335", {"ssh_port": 2223})
    assert (await on("three", ssh_port=2223)).status == 201
    record = (await shell.get("/database/one")).body
    assert (await shell.put("/database/one", record | {"labels": {"team": "a"}})).status == 200


async def test_credentials_and_tokens_are_not_in_the_database_in_the_clear(shell: Shell, agent: Agent) -> None:
    await agent.join()
    await shell.post("/database/create", _with_auth("db", {"username": "root", "password": "root123"}))
    await shell.stop()
    kept = b"".join(file.read_bytes() for file in shell.folder.glob("controller.db*"))
    await shell.start()
    assert agent.joined
    for secret in ("root123", agent.joined.agent_token, agent.joined.controller_token, shell.token):
        assert secret.encode() not in kept
