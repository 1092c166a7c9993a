"""What the shell is given to complete a line, asked as bash, zsh and fish ask."""

from collections.abc import Callable
from typing import Any

import pytest

from paas_client.client import Client
from tests.client.conftest import Paasctl
from tests.testbeds.ports import free_port

Body = Callable[..., dict[str, Any]]


async def completed(paasctl: Paasctl, *words: str) -> list[str]:
    """What may stand in the place of the last word."""
    asking = paasctl.with_(
        _PAASCTL_COMPLETE="complete_bash", COMP_WORDS="paasctl " + " ".join(words), COMP_CWORD=str(len(words))
    )
    ended = await asking()
    assert (ended.code, ended.err) == (0, "")
    return ended.out.split()


@pytest.mark.parametrize("command", ["show", "log", "edit"])
async def test_names_are_completed_from_the_controller(
    paasctl: Paasctl, client: Client, name: str, body: Body, command: str
) -> None:
    await client.database.create(body(f"{name}-1"))
    await client.middleware.create(body(f"{name}-2"))
    assert await completed(paasctl, "db", command, name[:-1]) == [f"{name}-1"]
    assert await completed(paasctl, "middleware", command, name[:-1]) == [f"{name}-2"]


async def test_an_instance_of_either_kind_is_completed_with_its_kind(
    paasctl: Paasctl, client: Client, name: str, body: Body
) -> None:
    await client.middleware.create(body(name))
    assert await completed(paasctl, "operation", "list", f"middleware/{name[:-3]}") == [f"middleware/{name}"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("dat",), ["database"]),
        (("db", "sh"), ["show"]),
        (("db", "list", "--expect", "run"), ["running"]),
        (("db", "list", "--realtime", "un"), ["unknow", "uninstalling"]),
        (("db", "changed", "--cause", "s"), ["silence"]),
        (("token", "delete", "adm"), ["admin"]),
        (("token", "create", "x", "--role", "op"), ["operator"]),
        (("db", "list", "-o", "y"), ["yaml"]),
    ],
)
async def test_words_are_completed(paasctl: Paasctl, words: tuple[str, ...], found: list[str]) -> None:
    assert await completed(paasctl, *words) == found


async def test_hosts_are_completed(paasctl: Paasctl, client: Client) -> None:
    await client.hosts.add("10.77.1.2", 3335, 22)
    assert await completed(paasctl, "host", "show", "10.77") == ["10.77.1.2:3335"]
    assert await completed(paasctl, "db", "list", "--host", "10.77") == ["10.77.1.2:3335"]


async def test_a_controller_that_cannot_be_asked_gives_nothing_and_no_noise(paasctl: Paasctl) -> None:
    nobody = paasctl.with_(PAAS_URL=f"http://127.0.0.1:{free_port()}")
    for there in (nobody, paasctl.with_(PAAS_TOKEN="wrong"), paasctl.with_(PAAS_URL="no url")):
        assert await completed(there, "db", "show", "a") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
async def test_the_script_for_a_shell_is_printed(paasctl: Paasctl, shell: str) -> None:
    ended = await paasctl.with_(_PAASCTL_COMPLETE=f"source_{shell}")()
    assert ended.code == 0
    assert f"_PAASCTL_COMPLETE=complete_{shell}" in ended.out
