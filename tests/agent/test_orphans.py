"""A check does not outlive its agent for long: the next one ends it, and nothing else."""

import asyncio
import signal
from pathlib import Path

from paas_agent import process
from paas_agent.contract import InstanceName
from tests.agent.harness import Agent, Controller, Orders, Repository, alive, until

LOOP = """
setsid sleep 1000 >/dev/null 2>&1 &
echo $! > healed
sleep 1000 &
echo $! > child
echo $$ > checking
while :; do sleep 0.02; done
"""


async def test_a_check_of_a_killed_agent_is_ended_by_the_next_one_with_its_group(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(check=LOOP, stop='readlink "/proc/$(cat checking)/exe" && touch beside')
    folder = await _killed_while_checking(agent, order)
    await agent.start()
    await agent.order("stop", order("op"))
    await controller.outcome("op")
    assert not (folder / "beside").exists()
    assert not alive(_number(folder / "child"))
    assert alive(_number(folder / "healed"))  # what a check has set apart may be the service


async def test_a_process_that_got_the_number_of_a_check_is_left_alone(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    repository.put(check=LOOP)
    folder = await _killed_while_checking(agent, order)
    other = await asyncio.create_subprocess_exec("sleep", "1000", start_new_session=True)
    (mark,) = folder.parent.glob(".*.check")
    assert mark.read_text() == f"{_number(folder / 'checking')}\n"
    process.signal_group(_number(folder / "checking"), signal.SIGKILL)
    mark.write_text(f"{other.pid}\n")
    await agent.start()
    await until(lambda: controller.reports and controller.reports[-1].instances)
    assert other.returncode is None
    other.kill()
    await other.wait()


async def test_the_mark_of_a_check_goes_with_its_instance(
    agent: Agent, controller: Controller, repository: Repository, order: Orders
) -> None:
    wanted = order(believed="stopped", check_interval=3600)
    await agent.send("check", wanted)
    marks = agent.folder(wanted).parent
    assert list(marks.glob(".*.check"))
    controller.forget.append(InstanceName(type="database", name="db1"))
    await until(lambda: not list(marks.glob(".*.check")))


async def _killed_while_checking(agent: Agent, order: Orders) -> Path:
    wanted = order(believed="stopped", check_interval=3600)
    asking = asyncio.ensure_future(agent.send("check", wanted))
    folder = agent.folder(wanted)
    await until(lambda: (folder / "checking").exists() and (folder / "checking").read_text().endswith("\n"))
    await agent.kill()
    await asyncio.wait([asking])
    assert asking.exception() is not None
    return folder


def _number(path: Path) -> int:
    return int(path.read_text())
