"""`paasctl host upgrade` against this controller."""

import asyncio
import os
import re
from pathlib import Path

import pytest

from tests.client.conftest import Paasctl
from tests.controller.hosts.upgrade.conftest import Upgradable
from tests.controller.shell import Shell


@pytest.fixture
def paasctl(shell: Shell, shelf: Path, tmp_path: Path) -> Paasctl:
    home = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TERM": "xterm"}
    return Paasctl(home | {"PAAS_URL": str(shell.address), "PAAS_TOKEN": shell.token})


async def is_upgraded(host: Upgradable) -> None:
    await host.tells(await host.is_offered(), "done")


async def test_all_are_upgraded_in_batches_and_waited_for(paasctl: Paasctl, hosts: list[Upgradable]) -> None:
    first, *others = [host.agent.host for host in hosts]
    planned = await paasctl("host", "upgrade", "--all", "--batch", "2", "--dry-run", "-o", "json")
    assert [(step["host"], step["why"]) for step in planned.document["steps"]] == [
        (first, "batch 0"), *((other, "batch 1") for other in others),
    ]  # fmt: skip
    running = await paasctl.start("host", "upgrade", "--all", "--batch", "2", "--wait")
    await running.says(f"0 of 3 done; {first} fetching")
    await is_upgraded(hosts[0])
    await hosts[0].becomes("done")
    await asyncio.gather(*map(is_upgraded, hosts[1:]))
    await asyncio.gather(*(host.becomes("done") for host in hosts))
    ended = await running.ended()
    assert (ended.code, ended.out.count("batch 1, done")) == (0, 2)
    assert f"{first}  upgraded to 2.0" in re.sub(" +(done) +", "  ", (await paasctl("audit")).out)
    again = await paasctl("host", "upgrade", "--all", "--wait")
    assert (again.code, again.err) == (0, "no host has an older version than this controller\n")
    shown = await paasctl("host", "show", first)
    assert "to 2.0: done since 20" in shown.out


async def test_who_has_waited_is_told_what_is_there_now(paasctl: Paasctl, hosts: list[Upgradable]) -> None:
    host = hosts[0]
    running = await paasctl.start("host", "upgrade", host.agent.host, "--wait")
    await is_upgraded(host)
    await host.becomes("done")
    assert (await running.ended()).out == f"{host.agent.host}: has version 2.0 now\n"


async def test_who_waits_is_told_why_it_failed(paasctl: Paasctl, hosts: list[Upgradable]) -> None:
    host = hosts[0]
    running = await paasctl.start("host", "upgrade", host.agent.host, "--wait")
    await host.tells(await host.is_offered(), "back", "it was not heard")
    await host.becomes("failed")
    ended = await running.ended()
    assert ended.code == 1
    assert f"{host.agent.host} is not upgraded: it was not heard" in ended.err


async def test_it_wants_one_host_or_all(paasctl: Paasctl) -> None:
    for arguments in ((), ("127.0.0.1:1", "--all")):
        ended = await paasctl("host", "upgrade", *arguments)
        assert (ended.code, "name one host, or say --all" in ended.err) == (2, True)
