"""An instance on two hosts: up in the list's order, down in reverse, the next one when the one before is there."""

from typing import Any

import pytest
import pytest_asyncio

from tests.e2e.tiny import TEXTS, Instance, Maker
from tests.testbeds.ports import free_port
from tests.testbeds.stack import Agent, Stack

pytestmark = pytest.mark.asyncio(loop_scope="module")
_SIGNED = 'echo "$ACTION $HOST_INDEX" >>"$CONTROL/order"\n[ ! -e "$CONTROL/fail.$ACTION.$HOST_INDEX" ] || exit 4\n'


@pytest_asyncio.fixture(loop_scope="module")
async def pair(make: Maker, stack: Stack, agent: Agent) -> Instance:
    """An instance on two hosts whose scripts say on which of them they run."""
    if len(stack.agents) == 1:
        await stack.add_agent()
    for action, text in TEXTS.items():
        signed = text if action == "check" else text.replace("trap 'rmdir", _SIGNED + "trap 'rmdir", 1)
        (stack.folder / "repo" / "tiny" / f"pair-{action}.sh").write_text(signed)
    scripts = {action: f"pair-{action}.sh" for action in TEXTS if action != "restart"}
    return make(*stack.agents[:2], **scripts)


def _order(db: Instance) -> list[str]:
    path = db.control / "order"
    return path.read_text().splitlines() if path.exists() else []


async def test_they_come_up_in_order_and_go_down_in_reverse(pair: Instance) -> None:
    await pair.runs_from_nothing()
    assert _order(pair) == ["install 0", "start 0", "install 1", "start 1"]
    await pair.wish("restart")
    await pair.ran(*["install", "start"] * 2, *["stop", "start"] * 2)
    await pair.at_rest()
    assert _order(pair)[4:] == ["stop 0", "start 0", "stop 1", "start 1"]
    await pair.wish("not-installed")
    await pair.becomes("not-installed")
    assert _order(pair)[8:] == ["stop 1", "uninstall 1", "stop 0", "uninstall 0"]


async def test_a_first_one_that_fails_keeps_the_second_waiting_and_says_so(pair: Instance) -> None:
    mark = pair.control / "fail.start.0"
    mark.touch()
    await pair.create()
    await pair.wish("running")
    await pair.says("exit code 4")
    first, second = await _members(pair)
    assert (first["realtime"], second["realtime"]) == ("failed", "not-installed")
    assert (await pair.get("/status"))["status"]["realtime"] == "failed"
    assert second["waiting"] == f"waits for {first['host']}, which is failed"
    mark.unlink()
    (pair.control / "lock").rmdir()
    await pair.becomes("running")


async def test_a_host_without_an_agent_is_waited_for_with_a_sentence(make: Maker, stack: Stack) -> None:
    db = make()
    body: dict[str, Any] = db.body()
    port = free_port()
    body["host"] = [{"ip": "127.0.0.1", "agent_port": port}]
    assert (await stack.call("POST", "/database/create", body))[0] == 201
    await db.wish("running")
    await db.says(f"127.0.0.1:{port} has no agent yet: run paas-agent join there")
    assert await db.operations() == []


async def test_one_lost_host_makes_the_instance_unknow_and_the_other_one_is_left_alone(pair: Instance) -> None:
    await pair.runs_from_nothing()
    before = _order(pair)
    pair.agents[1].kill()
    await pair.becomes("unknow")
    first, second = await _members(pair)
    assert (first["realtime"], second["realtime"]) == ("running", "unknow")
    pair.agents[1].start()
    await pair.becomes("running")
    assert _order(pair) == before


async def _members(db: Instance) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await db.get())["members"]
    return found
