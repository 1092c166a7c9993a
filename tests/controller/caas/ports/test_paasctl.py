"""`paasctl port` against this controller."""

import os
from pathlib import Path

import pytest

from tests.client.conftest import Paasctl
from tests.controller.shell import Shell


@pytest.fixture
def paasctl(shell: Shell, quick: tuple[str, ...], tmp_path: Path) -> Paasctl:
    home = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TERM": "xterm"}
    return Paasctl(home | {"PAAS_URL": str(shell.address), "PAAS_TOKEN": shell.token}, quick)


def words(table: str) -> list[list[str]]:
    return [line.split() for line in table.splitlines()]


async def test_a_pool_is_made_looked_at_and_deleted(paasctl: Paasctl) -> None:
    create = ("port", "create", "web", "--cluster", "here", "--ports", "30000-30009")
    assert "web: 10 ports of the cluster here" in (await paasctl(*create, "--dry-run")).out
    made = await paasctl(*create)
    assert (made.code, "10 of 10 free" in made.out) == (0, True)
    assert words((await paasctl("port", "list")).out)[1] == ["web", "here", "node-port", "30000-30009", "0", "0", "10"]
    assert (await paasctl(*create)).code == 6
    mistyped = await paasctl("port", "show", "wep")
    assert (mistyped.code, "did you mean web? see which there are: paasctl port list" in mistyped.err) == (3, True)
    assert (await paasctl("port", "delete", "web")).out == "web: deleted\n"
    assert (await paasctl("port", "list", "-o", "json")).document == []


async def test_ports_are_reserved_and_released(paasctl: Paasctl) -> None:
    await paasctl("port", "create", "web", "--cluster", "here", "--ports", "30000-30009")
    reserve = ("port", "reserve", "web", "app.shop")
    assert (await paasctl(*reserve, "--count", "2", "-o", "json")).document["ports"][1]["port"] == 30001
    reserved = await paasctl(*reserve, "--port", "30005", "--seconds", "60")
    assert [row[2] for row in words(reserved.out)[1:]] == ["30000", "30001", "30005"]
    shown = words((await paasctl("port", "show", "web")).out)
    assert shown[-1][:5] == ["30005", "reserved", "app.shop", "-", "-"]
    free = words((await paasctl("port", "free", "web")).out)
    assert free[1:] == [["every", "node", "30002", "30004"], ["every", "node", "30006", "30009"]]
    assert (await paasctl("port", "release", "web", "app.shop")).out == "app.shop: 3 ports are free again\n"
    assert (await paasctl("port", "release", "web", "app.shop")).code == 3


async def test_hosts_are_named_with_their_nodes_and_their_tenant(paasctl: Paasctl) -> None:
    assert (await paasctl("tenant", "create", "acme")).code == 0
    create = ("port", "create", "own", "--cluster", "here", "--ports", "80-81", "--way", "host-port")
    made = await paasctl(*create, "--host", "10.0.0.1=node-1", "--host", "10.0.0.2=node-2", "--tenant", "acme")
    assert "10.0.0.1 (node-1, acme), 10.0.0.2 (node-2, acme)" in made.out, made.err
    assert "4 of 4 free" in made.out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("create", "web", "--cluster", "here", "--ports", "30000"), "is FIRST-LAST, as in 30000-30099"),
        (("create", "web", "--cluster", "here", "--ports", "1-2", "--tenant", "acme"), "names no host; say which"),
        (("reserve", "web", "app.shop"), "say how many, or say which with --port"),
        (("reserve", "web", "app.shop", "--count", "1", "--port", "80"), "say how many, or say which with --port"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
async def test_what_is_wrong_is_told_before_anybody_is_asked(
    paasctl: Paasctl, arguments: tuple[str, ...], told: str
) -> None:
    ended = await paasctl.with_(COLUMNS="200")("port", *arguments)
    assert (ended.code, told in ended.err) == (2, True), ended.err
