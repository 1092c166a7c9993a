"""Deleting: refused while something is there, with its software taken down, or as an orphan."""

from tests.controller.agents import Agent
from tests.controller.shell import Shell
from tests.testbeds.stack import until as look_until


async def test_deleting_what_is_not_installed_forgets_it(shell: Shell) -> None:
    await shell.create()
    answer = await shell.delete("/database/db")
    assert (answer.status, answer.body) == (200, {"name": "db", "msg": "deleted"})
    assert (await shell.get("/database/db")).status == 404
    assert (await shell.get("/database")).body["items"] == []
    assert await _last_word(shell) == "admin deleted it"


async def test_deleting_what_is_not_there_is_a_200_with_a_hint(shell: Shell) -> None:
    answer = await shell.delete("/database/db")
    assert answer.status == 200
    assert answer.body == {"name": "db", "msg": "no database is called db; nothing to delete"}


async def test_deleting_what_is_there_takes_a_word_on_what_becomes_of_it(shell: Shell, runs: Agent) -> None:
    refused = await shell.delete("/database/db")
    assert refused.status == 409
    assert [way.split()[0] for way in refused.body["error"]["details"]] == ["?uninstall=true", "?orphan=true"]
    assert await shell.status() == ("running", "running")
    assert not runs.orders
    assert (await shell.delete("/database/db?uninstall=true&orphan=true")).status == 400
    assert await shell.status() == ("running", "running")


async def test_deleting_with_uninstall_takes_it_down_and_forgets_it(shell: Shell, runs: Agent) -> None:
    answer = await shell.delete("/database/db?uninstall=true")
    assert (answer.status, answer.body["msg"]) == (200, "being deleted: it is uninstalled first")
    assert (await shell.get("/database/db")).body["deleting"] is True
    await runs.obeys("stop", "uninstall")
    await _gone(shell)


async def test_what_is_held_is_uninstalled_and_deleted_once_it_is_released(shell: Shell, runs: Agent) -> None:
    await shell.put("/database/db/hold")
    answer = await shell.delete("/database/db?uninstall=true")
    sentence = "being deleted: it is uninstalled once it is released, because it is held"
    assert (answer.status, answer.body["msg"]) == (200, sentence)
    shown = (await shell.get("/database/db")).body
    assert (shown["deleting"], shown["held"]) == (True, True)
    assert shown["members"][0]["waiting"] == "held: hands off until it is released"
    assert not runs.orders
    await shell.put("/database/db/release")
    await runs.obeys("stop", "uninstall")
    await _gone(shell)


async def test_a_wish_takes_a_deletion_back(shell: Shell, runs: Agent) -> None:
    await shell.delete("/database/db?uninstall=true")
    assert (await shell.put("/database/db/not-installed")).status == 202
    assert (await shell.get("/database/db")).body["deleting"] is True
    assert (await shell.put("/database/db/running")).status == 202
    assert (await shell.get("/database/db")).body["deleting"] is False


async def test_what_could_not_be_uninstalled_is_kept(shell: Shell, runs: Agent) -> None:
    await shell.delete("/database/db?uninstall=true")
    await runs.obeys("stop")
    action, order = await runs.ordered()
    await runs.ends(action, order, "failed", message="disk on fire")
    kept = (await shell.get("/database/db")).body
    assert kept["deleting"] is False
    assert kept["members"][0]["reason"] == "disk on fire"
    assert await _last_word(shell) == "it is not deleted: its uninstall failed"
    assert (await shell.put("/database/db/stopped")).status == 202


async def test_an_orphan_is_forgotten_at_once_and_its_agent_is_told(shell: Shell, runs: Agent) -> None:
    answer = await shell.delete("/database/db?orphan=true")
    assert answer.status == 200
    assert (await shell.get("/database/db")).status == 404
    assert await _last_word(shell) == "admin forgot it and left the software as it is"
    assert (await runs.report()).body["forget"] == [{"type": "database", "name": "db"}]
    runs.there.clear()
    assert (await runs.report()).body["forget"] == []
    assert not runs.orders


async def test_an_agent_is_told_to_forget_until_it_has_also_after_a_restart(shell: Shell, runs: Agent) -> None:
    await shell.delete("/database/db?orphan=true")
    await shell.restart()
    for _ in range(2):
        assert (await runs.report()).body["forget"] == [{"type": "database", "name": "db"}]


async def test_one_of_the_same_name_waits_until_the_former_is_forgotten_there(shell: Shell, runs: Agent) -> None:
    await shell.delete("/database/db?orphan=true")
    await shell.create(runs.host, status={"expect": "running"})
    await runs.report()
    assert await shell.status() == ("running", "not-installed")
    assert "forget" in (await shell.member())["waiting"]
    runs.there.clear()
    await runs.report()
    await runs.obeys("install", "start")


async def _last_word(shell: Shell) -> str:
    """The end of the story."""
    return str((await shell.get("/database/db/events")).body["items"][0]["sentence"])


async def _gone(shell: Shell) -> None:
    async def look() -> bool:
        return (await shell.get("/database/db")).status == 404

    await look_until(look, "it to be forgotten", 5)
