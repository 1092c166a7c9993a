"""Upgrades as people ask for them and agents hear of them: offered, watched, in batches, across a restart."""

import hashlib
from pathlib import Path

from tests.controller.hosts.upgrade.conftest import Upgradable, put
from tests.controller.shell import Shell
from tests.testbeds.stack import until


async def ask(host: Upgradable) -> None:
    answer = await host.agent.shell.post(f"/hosts/{host.agent.host}/upgrade")
    assert answer.status == 202, answer.body


async def test_a_host_is_offered_the_newest_and_what_it_would_go_back_to(
    shell: Shell, hosts: list[Upgradable], shelf: Path
) -> None:
    host = hosts[0]
    await until(lambda: is_state(host, "outdated"), "it to be outdated")
    await ask(host)
    manifest = await host.is_offered()
    assert (manifest.host, manifest.package.version) == (host.agent.host, "2.0")
    assert manifest.former is not None
    assert manifest.former.version == "1.0"
    content = (shelf / "paas-agent_2.0_amd64.deb").read_bytes()
    assert manifest.package.sha256 == hashlib.sha256(content).hexdigest()

    assert host.agent.joined
    path, token = f"/agents/packages/{manifest.package.sha256}", host.agent.joined.agent_token
    assert (await shell.get(path, token=token)).body == content
    part = await shell.get(path, token=token, headers={"Range": "bytes=4-"})
    assert (part.status, part.body) == (206, content[4:])
    assert (await shell.get(path)).status == 403
    assert (await shell.get(f"/agents/packages/{'0' * 64}", token=token)).status == 404

    await host.tells(manifest, "done")
    assert await host.becomes("done") == ""
    assert await host.report() is None
    await until(lambda: is_state(host, "online"), "it to be up to date")


async def is_state(host: Upgradable, state: str) -> bool:
    await host.report()
    return bool((await host.shown())["state"] == state)


async def test_one_goes_first_then_the_others_each_batch_behind_the_gate(shell: Shell, hosts: list[Upgradable]) -> None:
    first, *others = hosts
    await shell.create(first.agent.host, status={"realtime": "running"}, self_heal="never")
    await first.agent.sees("running")
    plan = (await shell.post("/hosts/upgrade", {"batch": 5})).body
    assert plan["batches"] == [[first.agent.host], [each.agent.host for each in others]]
    manifest = await first.is_offered()
    await first.agent.sees("failed")
    await first.tells(manifest, "done")
    await first.becomes("checking")
    assert [await each.report() for each in others] == [None, None]
    await first.agent.sees("running")
    await first.becomes("done")
    for each in others:
        await each.tells(await each.is_offered(), "done")
        await each.becomes("done")


async def test_a_failure_is_told_audited_and_stops_the_others(shell: Shell, hosts: list[Upgradable]) -> None:
    first, *others = hosts
    await shell.post("/hosts/upgrade", {})
    await first.tells(await first.is_offered(), "back", "it was not heard; version 1.0 was put back")
    assert await first.becomes("failed") == "it was not heard; version 1.0 was put back"
    for each in others:
        told = f"not begun, because the upgrade of {first.agent.host} failed"
        assert await each.becomes("stopped") == told
        assert await each.report() is None

    async def audited() -> bool:
        rows = (await shell.get("/audit")).body["items"]
        told = "not upgraded to 2.0: it was not heard; version 1.0 was put back"
        return any((row["who"], row["code"], row["sentence"]) == ("admin", "refused", told) for row in rows)

    await until(audited, "a row of the audit")
    await ask(others[0])
    await others[0].is_offered()


async def test_it_goes_on_after_a_restart_with_the_same_order(shell: Shell, hosts: list[Upgradable]) -> None:
    first, second, _ = hosts
    await shell.post("/hosts/upgrade", {"batch": 2})
    before = await first.is_offered()
    await shell.restart()
    after = await first.is_offered()
    assert (after.serial, after.package) == (before.serial, before.package)
    await first.tells(after, "done")
    await first.becomes("done")
    assert (await second.is_offered()).serial >= after.serial


async def test_what_a_host_says_of_an_order_of_nobody_s_is_audited_and_changes_nothing(
    shell: Shell, hosts: list[Upgradable]
) -> None:
    host = hosts[0]
    await ask(host)
    manifest = await host.is_offered()
    await host.tells(type(manifest)(host="x", serial=3, expires=1, package=manifest.package), "refused", "not signed")

    async def audited() -> bool:
        return any(row["sentence"] == "not signed" for row in (await shell.get("/audit")).body["items"])

    await until(audited, "a row of the audit")
    assert (await host.shown())["upgrade"]["state"] == "fetching"


async def test_what_cannot_be_upgraded_is_told_why(shell: Shell, hosts: list[Upgradable], shelf: Path) -> None:
    host = hosts[0]
    identifier = host.agent.host

    async def refused() -> str:
        answer = await shell.post(f"/hosts/{identifier}/upgrade")
        assert answer.status == 409, answer.body
        return answer.message.removeprefix(f"{identifier} ")

    await ask(host)
    assert await refused() == f"the upgrade of the agent of {identifier} is under way"
    await host.tells(await host.is_offered(), "done")
    await host.becomes("done")
    assert await refused() == "has version 2.0, and there is no newer one"
    await shell.post("/hosts", {"ip": "192.0.2.9"})
    planned = (await shell.post("/hosts/upgrade?dry_run=true", {})).body["steps"]
    assert [step["host"] for step in planned] == [each.agent.host for each in hosts[1:]]
    put(shelf, "3.0")
    host.agent.features = []
    await host.agent.report(version="2.0")
    assert (await refused()).startswith(f"root of {identifier} does not know whose upgrades to take: as root join it")
    await host.agent.report(version="2.0", facts={"arch": "pdp11", "package": "deb"})
    assert await refused() == f"there is no deb of the agent for pdp11 in {shelf}"


async def test_without_packages_nothing_is_upgraded(shell: Shell) -> None:
    answer = await shell.post("/hosts/upgrade", {})
    assert (answer.status, answer.message) == (
        409,
        "no folder of packages is set (agent_packages): make some with make package",
    )
