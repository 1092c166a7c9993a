"""Where the credentials of a spec's hosts are kept, and where they are not."""

from pathlib import Path

import pytest

from tests.controller.agents import Agent
from tests.controller.shell import Shell, body

AUTH = [{"username": "root", "password": "root123"}]
SHOWN = [{"username": "root", "password": "******"}]


@pytest.mark.parametrize(("forget", "of_the_spec"), [(False, SHOWN), (True, [])])
async def test_credentials_that_are_to_be_forgotten_are_kept_at_the_host_alone(
    tmp_path: Path, forget: bool, of_the_spec: list[dict[str, str]]
) -> None:
    shell = Shell(tmp_path / "data", settings={"forget_credentials": forget})
    shell.folder.mkdir()
    await shell.start()
    try:
        named = body() | {"host": [{"ip": "h1", "auth": AUTH}]}
        assert (await shell.post("/database/create", named)).status == 201
        for _ in "as it was written", "as it is read":
            assert (await shell.get("/database/db")).body["host"][0].get("auth", []) == of_the_spec
            assert (await shell.get("/hosts/h1:3335")).body["auth"] == [SHOWN[0] | {"private_key": ""}]
            await shell.restart()
    finally:
        await shell.stop()


async def test_of_a_host_that_has_its_agent_none_are_kept_whoever_names_them(tmp_path: Path) -> None:
    shell = Shell(tmp_path / "data", settings={"forget_credentials": True})
    shell.folder.mkdir()
    await shell.start()
    agent = Agent(shell)
    await agent.start()
    try:
        named = {"ip": agent.host.partition(":")[0], "agent_port": int(agent.host.partition(":")[2])}
        await shell.post("/database/create", body("before") | {"host": [named | {"auth": AUTH}]})
        assert (await shell.get(f"/hosts/{agent.host}")).body["auth"]
        await agent.join()
        await agent.report()
        await shell.post("/database/create", body("after") | {"host": [named | {"auth": AUTH}]})
        for _ in "in memory", "as it is kept":
            assert (await shell.get(f"/hosts/{agent.host}")).body["auth"] == []
            await shell.restart()
    finally:
        await agent.stop()
        await shell.stop()


async def test_what_was_kept_before_it_was_to_be_forgotten_goes_at_the_next_start(shell: Shell, joined: Agent) -> None:
    where = f"/hosts/{joined.host}"
    await joined.report()
    await shell.put(where, {"auth": AUTH})
    shell.settings["forget_credentials"] = True
    await shell.restart()
    assert (await shell.get(where)).body["auth"] == []
