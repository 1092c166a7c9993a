"""What paasctl says, and with which code it ends, when something is wrong."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from paas_client.client import Client
from tests.client.conftest import Agents, Controller, Paasctl
from tests.testbeds.ports import free_port
from tests.testbeds.stack import Agent, until

Body = Callable[..., dict[str, Any]]


async def test_a_controller_that_is_not_there_is_exit_code_4(paasctl: Paasctl) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    ended = await paasctl.with_(PAAS_URL=url)("db", "list")
    assert ended.code == 4
    assert f"the controller at {url} cannot be reached: connection refused" in ended.err
    assert "PAAS_URL" in ended.err


async def test_a_wrong_token_is_exit_code_5_and_is_not_repeated(paasctl: Paasctl) -> None:
    ended = await paasctl.with_(PAAS_TOKEN="not-the-token")("db", "list")
    assert ended.code == 5
    assert "admin.token" in ended.err
    assert "not-the-token" not in ended.err + ended.out


async def test_without_a_token_it_is_said_how_to_set_one(paasctl: Paasctl) -> None:
    ended = await paasctl.without("PAAS_TOKEN")("host", "token")
    assert ended.code == 5
    assert "set PAAS_TOKEN" in ended.err


async def test_an_agents_token_may_not_read(paasctl: Paasctl, new_agent: Agents) -> None:
    agent = await new_agent()
    assert agent.joined
    ended = await paasctl.with_(PAAS_TOKEN=agent.joined.agent_token)("db", "list")
    assert ended.code == 5
    assert "role agent may not" in ended.err


@pytest.mark.parametrize(
    "command",
    ["show", "status", "running", "stopped", "uninstall", "restart", "hold", "release", "events", "operations"],
)
async def test_an_unknown_name_is_exit_code_3_and_the_list_is_named(paasctl: Paasctl, command: str) -> None:
    ended = await paasctl("mw", command, "nobody")
    assert ended.code == 3
    assert "called nobody" in ended.err
    assert "paasctl middleware list" in ended.err


async def test_a_name_that_was_mistyped_is_found(paasctl: Paasctl, client: Client, name: str, body: Body) -> None:
    await client.middleware.create(body(name))
    ended = await paasctl("mw", "show", name.replace("mistyped", "mitsyped"))
    assert ended.code == 3
    assert f"did you mean {name}? see which there are: paasctl middleware list" in ended.err


async def test_a_name_of_the_other_kind_is_found(paasctl: Paasctl, client: Client, name: str, body: Body) -> None:
    await client.middleware.create(body(f"X{name}"))
    ended = await paasctl("db", "running", f"X{name}")
    assert f"there is a middleware of this name: paasctl middleware show X{name}" in ended.err


async def test_a_command_that_was_mistyped_is_found(paasctl: Paasctl) -> None:
    ended = await paasctl("db", "lisst")
    assert ended.code == 2
    assert "Did you mean 'list'?" in ended.err


async def test_an_agents_port_is_told_from_the_controllers(
    paasctl: Paasctl, controller: Controller, client: Client, tmp_path: Path
) -> None:
    agent = Agent(tmp_path, controller.url, 0)
    await asyncio.to_thread(agent.join, (await client.hosts.new_join_token()).join_token)
    agent.start()
    try:
        there = paasctl.with_(PAAS_URL=f"http://{agent.host}")

        async def answers() -> bool:
            return (await there("db", "list")).code == 5

        await until(answers, "the agent")
        assert "an agent answers there; the controller listens on another port" in (await there("db", "list")).err
    finally:
        assert agent.stop() == 0


async def test_a_wish_that_has_to_wait_says_what_for(paasctl: Paasctl, client: Client, name: str, body: Body) -> None:
    await client.database.create(body(name))
    for wish in ("running", "stopped"):
        ended = await paasctl("db", wish, name, "-o", "json")
        assert (ended.code, ended.document["status"]["expect"]) == (0, wish)
        assert ended.err.startswith("127.0.0.1:1 has no agent yet: run paas-agent join there")
    assert (await paasctl("db", "uninstall", name)).err == ""


async def test_waiting_for_an_unknown_name_is_exit_code_3(paasctl: Paasctl) -> None:
    assert (await paasctl("db", "running", "nobody", "--wait")).code == 3


async def test_an_unknown_operation_is_exit_code_3(paasctl: Paasctl) -> None:
    assert (await paasctl("db", "log", "nothing")).code == 3


async def test_a_name_with_a_slash_is_a_name_and_no_path(paasctl: Paasctl) -> None:
    ended = await paasctl("db", "show", "../host?x=1#y")
    assert ended.code == 3
    assert "no database is called ../host?x=1#y" in ended.err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"name": "x",\n "app": {"a": 1,\n  }\n}', "line 2, column 16: a comma before the closing bracket"),
        ('{"name": "x"\n "app": 1}', "line 2, column 2: expecting ',' delimiter"),
        ("[1, 2,]", "line 1, column 6: a comma before the closing bracket"),
        ("", "line 1, column 1: expecting value"),
        ("[]", "holds no object"),
    ],
)
async def test_what_is_wrong_with_a_body_is_said_with_line_and_column(paasctl: Paasctl, text: str, told: str) -> None:
    ended = await paasctl("db", "create", "-f", "-", stdin=text)
    assert ended.code == 2
    assert told in ended.err


async def test_a_file_that_is_not_there_is_named(paasctl: Paasctl, tmp_path: Path) -> None:
    ended = await paasctl("db", "create", "-f", str(tmp_path / "missing.json"))
    assert ended.code == 2
    assert "missing.json cannot be read: No such file" in ended.err


async def test_every_fault_of_a_body_is_printed(paasctl: Paasctl) -> None:
    ended = await paasctl("db", "create", "-f", "-", stdin='{"name": "x", "hosts": []}')
    assert ended.code == 1
    assert "- hosts: no such key; allowed here: app, depends_on, host, labels, name; did you mean host?" in ended.err
    assert "- app is missing" in ended.err


async def test_a_name_that_is_taken_is_refused_with_the_command_to_see_it(
    paasctl: Paasctl, client: Client, name: str, body: Body, tmp_path: Path
) -> None:
    await client.database.create(body(name))
    ended = await paasctl("db", "create", "-f", "-", stdin=str(body(name)).replace("'", '"'))
    assert ended.code == 6
    assert "exists already" in ended.err
    assert f"paasctl database show {name}" in ended.err


async def test_deleting_what_is_installed_says_the_two_ways(
    paasctl: Paasctl, client: Client, name: str, body: Body
) -> None:
    await client.database.create(body(name, status={"realtime": "stopped"}))
    ended = await paasctl("db", "delete", name)
    assert ended.code == 6
    assert "- --orphan forgets it" in ended.err
    assert f"paasctl database delete {name} --uninstall" in ended.err
    await client.middleware.create(body(name) | {"depends_on": [f"database/{name}"]})
    needed = await paasctl("db", "delete", name, "--orphan")
    assert needed.code == 6
    assert f"- middleware/{name}" in needed.err
    assert "→" not in needed.err
    await client.middleware.delete(name)
    both = await paasctl("db", "delete", name, "--uninstall", "--orphan")
    assert both.code == 2
    gone = await paasctl("db", "delete", name, "--orphan")
    assert (gone.code, gone.out) == (0, f"{name}: forgotten; the software stays as it is\n")


async def test_restarting_what_is_not_expected_to_run_is_refused(
    paasctl: Paasctl, client: Client, name: str, body: Body
) -> None:
    await client.database.create(body(name))
    ended = await paasctl("db", "restart", name)
    assert ended.code == 6
    assert f"paasctl database running {name}" in ended.err
    assert "PUT" not in ended.err


@pytest.mark.parametrize("day", ["1345", "yesterday", "2026-02-30", "../.."])
async def test_a_day_that_is_none_is_refused(paasctl: Paasctl, day: str) -> None:
    ended = await paasctl("db", "changed", day)
    assert ended.code == 1
    assert "names no day" in ended.err


@pytest.mark.parametrize("arguments", [(), ("db",), ("db", "frob"), ("db", "show"), ("db", "list", "-o", "xml")])
async def test_wrong_usage_is_exit_code_2(paasctl: Paasctl, arguments: tuple[str, ...]) -> None:
    assert (await paasctl(*arguments)).code == 2


async def test_help_names_the_settings_and_the_exit_codes(paasctl: Paasctl) -> None:
    ended = await paasctl("--help")
    assert ended.code == 0
    for word in ("PAAS_URL", "PAAS_TOKEN", "Exit codes", "database", "host"):
        assert word in ended.out
    assert (await paasctl("--version")).out.count(".") == 2


async def test_a_configuration_file_is_read_and_the_environment_comes_first(paasctl: Paasctl, tmp_path: Path) -> None:
    file = tmp_path / ".config" / "paasctl.toml"
    file.parent.mkdir()
    file.write_text(f'url = "{paasctl.environment["PAAS_URL"]}"\ntoken = "{paasctl.environment["PAAS_TOKEN"]}"\n')
    file.chmod(0o600)
    bare = paasctl.without("PAAS_URL", "PAAS_TOKEN")
    ended = await bare("host", "list")
    assert (ended.code, ended.err) == (0, "")
    assert (await bare.with_(PAAS_TOKEN="wrong")("host", "list")).code == 5
    moved = file.rename(tmp_path / "elsewhere.toml")
    assert (await bare("--config", str(moved), "host", "list")).code == 0
    assert (await bare("--config", str(file), "host", "list")).code == 2


@pytest.mark.parametrize("form", ["table", "json"])
async def test_an_answer_that_cannot_be_written_is_a_sentence(
    paasctl: Paasctl, client: Client, name: str, body: Body, form: str
) -> None:
    await client.database.create(body(name))
    with Path("/dev/full").open("w") as full:
        process = await asyncio.create_subprocess_exec(
            paasctl.command, "db", "list", "-o", form, env=paasctl.environment,
            stdout=full, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        _, said = await process.communicate()
    assert process.returncode == 1
    assert said.decode().startswith("paasctl: the answer cannot be written: No space left on device\n")
    assert "Traceback" not in said.decode()
    assert "Exception" not in said.decode()


async def test_who_reads_no_further_is_told_nothing(paasctl: Paasctl) -> None:
    piped = f"{paasctl.command} --help | true; exit ${{PIPESTATUS[0]}}"
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", piped, env=paasctl.environment, stderr=asyncio.subprocess.PIPE
    )
    assert await process.communicate() == (None, b"")
